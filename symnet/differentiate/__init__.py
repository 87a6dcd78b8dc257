"""Derivatives of programs: one rule, and elimination of deltas."""
