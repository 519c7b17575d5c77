"""The spec of a sweep so small that a test can run it; an axis or a [record] may follow."""

TINY = """schema = 1
title = "tiny"
[problem]
name = "xor"
[network]
hidden = [2]
[starts]
kind = "normal"
count = 10
seed = 1
[training]
learning_rate = 0.5
steps = 20
"""
