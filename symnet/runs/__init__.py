"""Model files as models, and run folders: train, resume, predict, evaluate."""
