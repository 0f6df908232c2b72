"""The exact environment of each process: settings by value, secrets by the files that hold them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from vitrine_ops.catalogue import BY_NAME, Service
from vitrine_ops.credentials import Credentials
from vitrine_ops.options import Options
from vitrine_ops.places import Places
from vitrine_ops.releases import Release

PASSED_ON = (
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


def base(environ: Mapping[str, str], places: Places, release: Release) -> dict[str, str]:
    """What every process has; nothing else of the caller's environment reaches it."""
    found = {name: environ[name] for name in PASSED_ON if name in environ}
    return {
        **found,
        "PATH": f"{release.path / 'bin'}:{os.defpath}",
        "HOME": str(places.data),
        "TMPDIR": str(places.tmp),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
    }


def of_service(
    service: Service,
    release: Release,
    *,
    options: Options,
    places: Places,
    secrets: Credentials,
    environ: Mapping[str, str],
) -> dict[str, str]:
    """The settings of one service's processes, migrations excepted."""
    found = {**base(environ, places, release), **options.settings}
    found |= {
        "VITRINE_ENVIRONMENT": "development"
        if options.dev
        else options.settings.get("VITRINE_ENVIRONMENT", "production"),
        "VITRINE_PUBLIC_URL": options.address,
        "VITRINE_SECRET_KEY_FILE": str(secrets.path(f"{service.name}_secret_key")),
        "VITRINE_SERVICE_KEY_FILE": str(secrets.path(f"{service.name}_service_key")),
        "VITRINE_NEIGHBOUR_KEYS_FILE": str(secrets.path("neighbour_keys")),
        "VITRINE_INTERNAL_SOCKET": str(internal_socket(places)),
        "VITRINE_USERS_URL": "http://users:8000",
        "VITRINE_CATALOG_URL": "http://catalog:8000",
        "VITRINE_MEDIA_ROOT": str(places.media),
        "VITRINE_SPOOL_ROOT": str(places.spool),
    }
    if not options.asks_for_second_factor:
        found["VITRINE_REQUIRE_FACTOR"] = "false"
    if service.has_database:
        found["VITRINE_DATABASE_URL_FILE"] = str(secrets.path(f"{service.name}_database_url"))
    return found


def of_instance(
    shared: Mapping[str, str], *, name: str, socket: Path, run_dir: Path, workers: int
) -> dict[str, str]:
    """The settings of one web instance: its own socket and directory."""
    return {
        **shared,
        "VITRINE_BIND": f"unix:{socket}",
        "VITRINE_WORKERS": str(workers),
        "VITRINE_RUN_DIR": str(run_dir),
        "VITRINE_INSTANCE": name,
        # Nginx sends an instance nothing more before it is stopped, so that it need not wait to be found unready.
        "VITRINE_UNREADY_S": "0",
    }


def of_owner(shared: Mapping[str, str], service: str, secrets: Credentials) -> dict[str, str]:
    """The settings of a migration: the only process that gets the owner role's address."""
    assert BY_NAME[service].has_database
    return {**shared, "VITRINE_DATABASE_OWNER_URL_FILE": str(secrets.path(f"{service}_database_owner_url"))}


def internal_socket(places: Places) -> Path:
    """The socket through which services reach one another; the only way to /internal."""
    return places.run / "internal.sock"
