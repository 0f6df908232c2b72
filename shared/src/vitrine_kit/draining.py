"""Draining: how the server lets the app know that it will soon stop accepting. The waiting itself is in `worker`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATE_KEY = "vitrine.draining"
"""Set in the state of ASGI's lifespan, of which the server hands every request a copy."""


def is_draining(environ: Mapping[str, Any]) -> bool:
    """Whether the server that took this request is about to stop accepting; never under plain WSGI."""
    return STATE_KEY in environ.get("asgi.scope", {}).get("state", {})
