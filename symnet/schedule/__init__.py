"""From programs to kernels: which loops run, in which order, over which buffers, and why."""
