"""The stack's generated secrets, each in a file that only the running account can read; made once, never shown."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from vitrine_ops.catalogue import SERVICES, WITH_DATABASE
from vitrine_ops.programs import write_private

SUPERUSER = "postgres_superuser"


class Credentials:
    """The files of one stack's secrets folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        """Makes every secret that is missing and the joined public service keys."""
        self._once(SUPERUSER, lambda: secrets.token_urlsafe(32))
        for service in SERVICES:
            self._once(f"{service.name}_secret_key", lambda: secrets.token_urlsafe(48))
            self._once(f"{service.name}_service_key", lambda name=service.name: service_key(name))
        for service in WITH_DATABASE:
            for role in ("owner", "app"):
                self._once(f"{service.name}_{role}_password", lambda: secrets.token_urlsafe(32))
        keys = [public_part(self.read(f"{service.name}_service_key")) for service in SERVICES]
        self.write("neighbour_keys", json.dumps({"keys": keys}))

    def read(self, name: str) -> str:
        """A secret's text."""
        return self.path(name).read_text(encoding="utf-8").strip()

    def write(self, name: str, text: str) -> Path:
        """Replaces a secret; the file is not touched where nothing changes."""
        path = self.path(name)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_private(path, text)
        return path

    def path(self, name: str) -> Path:
        """A secret's file."""
        return self.folder / name

    def role_passwords(self) -> dict[str, str]:
        """`users_owner`, `users_app` … with their passwords."""
        return {
            f"{service.name}_{role}": self.read(f"{service.name}_{role}_password")
            for service in WITH_DATABASE
            for role in ("owner", "app")
        }

    def _once(self, name: str, make: object) -> None:
        if not self.path(name).is_file():
            assert callable(make)
            write_private(self.path(name), str(make()))


def service_key(name: str) -> str:
    """A new private Ed25519 key as a JWK (RFC 8037), named after its service."""
    private = Ed25519PrivateKey.generate()
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = {"kty": "OKP", "crv": "Ed25519", "kid": name, "use": "sig", "x": _b64(public), "d": _b64(raw)}
    return json.dumps(key)


def public_part(key: str) -> dict[str, str]:
    """A JWK without its private member."""
    return {member: value for member, value in json.loads(key).items() if member != "d"}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
