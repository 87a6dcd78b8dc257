"""Programs as people read them: text, LaTeX in index and matrix form."""
