"""Roles and the permissions they give, kept as data."""
