"""Secrets are made once, closed to others; each service has a key of its own."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from vitrine_ops.catalogue import SERVICES
from vitrine_ops.credentials import Credentials


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    secrets = Credentials(tmp_path)
    secrets.make()
    before = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    secrets.make()
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert len(set(secrets.role_passwords().values())) == 4
    assert all(len(secrets.read(f"{service.name}_secret_key")) >= 32 for service in SERVICES)


def test_each_service_signs_with_a_key_that_the_neighbours_know(tmp_path: Path) -> None:
    secrets = Credentials(tmp_path)
    secrets.make()
    known = {key["kid"]: key for key in json.loads(secrets.read("neighbour_keys"))["keys"]}
    assert set(known) == {"users", "catalog", "gateway"}
    for name, public in known.items():
        assert "d" not in public
        private = json.loads(secrets.read(f"{name}_service_key"))
        signature = Ed25519PrivateKey.from_private_bytes(decode(private["d"])).sign(b"message")
        Ed25519PublicKey.from_public_bytes(decode(public["x"])).verify(signature, b"message")


def test_a_secret_that_stays_the_same_is_not_written_again(tmp_path: Path) -> None:
    secrets = Credentials(tmp_path)
    path = secrets.write("address", "postgresql://")
    written = path.stat().st_mtime_ns
    secrets.write("address", "postgresql://")
    assert path.stat().st_mtime_ns == written
