"""Evaluating programs."""
