"""Leaving: an account that its owner deletes waits for a while, can be had back, and is erased at the end."""
