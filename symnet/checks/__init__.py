"""Symbolic against numeric."""
