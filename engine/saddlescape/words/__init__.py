"""The words of a spec and of a result, each declared once; the ground floor, which imports nothing of ours."""
