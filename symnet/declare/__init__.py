"""What users write: tensors, functions, layers, losses."""
