"""Addresses of static files that change with their content, so that browsers and Nginx may keep them for good."""

from __future__ import annotations

import hashlib
from pathlib import Path


class Assets:
    """The static directory, read once: `/static/css/shop.css?v=<hash>`."""

    def __init__(self, root: Path) -> None:
        self._versions = {
            path.relative_to(root).as_posix(): hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def url(self, name: str) -> str:
        """The address of a static file. Fonts carry their version in the name: style sheets link them as they are.

        Raises:
            KeyError: there is no such file: a mistake in a template.
        """
        version = self._versions[name]
        return f"/static/{name}" if name.startswith("fonts/") else f"/static/{name}?v={version}"
