"""Train: one block, all blocks of a sweep, one run again, or an array of starts; and what a sweep costs."""
