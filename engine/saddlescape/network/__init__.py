"""The network: layout of its parameters, problems, random numbers, and the reference implementation in NumPy."""
