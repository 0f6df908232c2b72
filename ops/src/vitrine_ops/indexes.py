"""Makes uv use the package index a user configured for pip; standard library only, for bootstrap."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

_UV_INDEX_VARIABLES = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
)


def pip_settings(python: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What pip would use: its files and its environment, by option name (`index-url`, `cert` …)."""
    asked = subprocess.run(
        [python, "-m", "pip", "--no-input", "config", "list"],
        env=dict(environ),
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, str] = {}
    for line in asked.stdout.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in {"global", "install", ":env:"} and option:
            found[option.lower().replace("_", "-")] = value.strip().strip("'\"")
    return found


def uv_environment(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that make uv look where pip would; nothing where the user configured uv itself."""
    found: dict[str, str] = {}
    if "cert" in pip and "SSL_CERT_FILE" not in environ:
        found["SSL_CERT_FILE"] = pip["cert"]
    if pip.get("timeout") or pip.get("default-timeout"):
        found.setdefault(
            "UV_HTTP_TIMEOUT", environ.get("UV_HTTP_TIMEOUT") or pip.get("timeout") or pip["default-timeout"]
        )
    if any(environ.get(name) for name in _UV_INDEX_VARIABLES):
        return found
    if pip.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        found["UV_NO_INDEX"] = "1"
    if pip.get("index-url"):
        found["UV_DEFAULT_INDEX"] = pip["index-url"]
    extra = " ".join(pip.get("extra-index-url", "").replace("\\n", " ").split())
    if extra:
        # pip merges its indexes; every download is held to its hash, so merging them is safe here as well.
        found["UV_INDEX"] = extra
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if pip.get("find-links"):
        found["UV_FIND_LINKS"] = ",".join(pip["find-links"].replace("\\n", " ").split())
    if pip.get("trusted-host"):
        found["UV_INSECURE_HOST"] = " ".join(pip["trusted-host"].replace("\\n", " ").split())
    return found


def without(lock: str, names: set[str]) -> str:
    """A lock file's text without the named packages and their hashes."""
    kept: list[str] = []
    dropping = False
    for line in lock.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            dropping = line.split("==")[0].strip().lower() in names
        if not dropping:
            kept.append(line)
    return "\n".join(kept) + "\n"
