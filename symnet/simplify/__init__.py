"""Simplification: a table of rules, applied until nothing changes, with a trace."""
