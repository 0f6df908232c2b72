"""The settings every service has; they come from the environment and from files that it names, never from code."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

ENV_PREFIX = "VITRINE_"


class FileSource(PydanticBaseSettingsSource):
    """Reads a field from the file that `VITRINE_<FIELD>_FILE` names: how secrets reach a container."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{ENV_PREFIX}{field_name.upper()}_FILE")
        return (Path(path).read_text(encoding="utf-8").strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


class ServiceSettings(BaseSettings):
    """What each service needs to run; `VITRINE_<FIELD>` or the file named by `VITRINE_<FIELD>_FILE` sets a field.

    Raises:
        pydantic.ValidationError: a setting is missing or malformed; the process must not start.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        extra="ignore",
        frozen=True,
        validate_default=True,
        # What is wrong with a setting is logged at the start; what it holds may be a secret.
        hide_input_in_errors=True,
    )

    environment: Literal["production", "development", "test"] = "production"
    public_url: str = Field("http://localhost:8080", pattern=r"^https?://[^/\s]+$")
    """The address people use, without a trailing slash; it is also the issuer of access tokens."""
    secret_key: SecretStr = Field(min_length=32)
    database_url: SecretStr | None = None
    """The run-time role's address; it can neither run DDL nor see another schema."""
    database_owner_url: SecretStr | None = None
    """The owner role's address, given to migrations only."""
    pool_read_size: int = Field(8, ge=1, le=100)
    pool_write_size: int = Field(4, ge=1, le=100)
    pool_wait_s: float = Field(0.3, gt=0, le=30)
    statement_timeout_ms: int = Field(5000, ge=100)
    request_timeout_ms: int = Field(5000, ge=100)
    """A request's budget where the caller sent none (X-Request-Timeout-Ms)."""
    users_url: str = Field("http://users:8000", pattern=r"^https?://")
    catalog_url: str = Field("http://catalog:8000", pattern=r"^https?://")
    internal_socket: Path | None = None
    """A UNIX socket through which all neighbours are reached; the Host header selects one."""
    outbound_transport: Literal["aiohttp", "httpx"] = "aiohttp"
    service_key: SecretStr | None = None
    """This service's private Ed25519 key as a JWK (JSON)."""
    neighbour_keys: str = '{"keys": []}'
    """The neighbours' public keys as a JWK set (JSON); `kid` is the service's name."""
    media_root: Path | None = None
    spool_root: Path | None = None
    """Where uploads wait for a worker."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    loop_watch_ms: int = Field(0, ge=0)
    """Report event-loop stalls longer than this; 0 turns the watch off."""
    max_json_bytes: int = Field(1024 * 1024, ge=1024)
    max_upload_bytes: int = Field(64 * 1024 * 1024, ge=1024)
    instance: str = Field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, FileSource(settings_cls)

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers accept `Secure` cookies at the public address: over https, or on the loopback."""
        scheme, _, rest = self.public_url.partition("://")
        host = rest.rsplit(":", 1)[0] if not rest.endswith("]") else rest
        return scheme == "https" or host in {"localhost", "127.0.0.1", "[::1]"}
