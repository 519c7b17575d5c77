"""Running: one block, all blocks of a sweep, replay of one run, runs from an array of starts, and their cost."""
