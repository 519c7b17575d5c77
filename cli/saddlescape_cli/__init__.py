"""The command `saddlescape`."""
