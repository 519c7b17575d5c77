"""The vocabulary of specs and results, each word declared once; imports no other package of saddlescape."""
