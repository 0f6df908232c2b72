"""The environment of the stack's processes."""

from __future__ import annotations

from pathlib import Path

from vitrine_ops import environment


def test_an_instance_stops_without_waiting_to_be_found_unready() -> None:
    """Nginx has been pointed elsewhere by then, and `down` and `deploy` are not to be slower for it."""
    shared = {"VITRINE_PUBLIC_URL": "http://localhost:8080", "VITRINE_UNREADY_S": "5"}
    found = environment.of_instance(
        shared, name="users-1-0", socket=Path("/run/users.sock"), run_dir=Path("/run/users"), workers=3
    )
    assert found["VITRINE_UNREADY_S"] == "0"
    assert found["VITRINE_BIND"] == "unix:/run/users.sock"
    assert found["VITRINE_WORKERS"] == "3"
    assert found["VITRINE_PUBLIC_URL"] == shared["VITRINE_PUBLIC_URL"]
