"""Runs the catalogue's migrations in its own schema."""

from vitrine_kit.migrations import run_env

run_env()
