"""The names of people, in batches, for neighbouring services."""
