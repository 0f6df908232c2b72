"""Brings in other shops' product files: reading them, staging them, merging them into the catalogue."""
