"""The notation: indices, definitions, programs, rules."""
