"""What is trained: the order of the parameters, the problems, random numbers, and the reference in plain NumPy."""
