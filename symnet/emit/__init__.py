"""From schedules to readable Numba source."""
