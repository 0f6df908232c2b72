"""The category tree and which products are in it."""
