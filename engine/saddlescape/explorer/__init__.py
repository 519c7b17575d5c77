"""See it live: train the starts of the part of weight space that a page shows, while someone moves through it."""
