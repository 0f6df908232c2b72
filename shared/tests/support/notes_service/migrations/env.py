"""Migrates the schema of the kit's test service."""

from vitrine_kit.migrations import run_env

run_env()
