"""Fixtures for the tests that need the whole stack."""

from tests.stack import release_store, stack

__all__ = ["release_store", "stack"]
