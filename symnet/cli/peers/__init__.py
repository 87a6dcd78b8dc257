"""The same network in other libraries, for `symnet bench`: no gradient is written, each library finds its own."""
