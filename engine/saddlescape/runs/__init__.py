"""Runs computed: one block, all blocks of a sweep, one run again, starts given as an array; what it costs."""
