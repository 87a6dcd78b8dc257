"""A model and its training as one HTML page that needs nothing else."""
