"""How Alembic migrates this service's schema; the kit knows the rest."""

from vitrine_kit.migrations import run_env

run_env()
