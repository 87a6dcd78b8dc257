"""The verbs: argument handling and printing, and no more."""
