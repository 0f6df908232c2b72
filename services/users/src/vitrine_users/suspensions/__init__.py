"""Suspension: staff bars an account without erasing it, and lets it in again."""
