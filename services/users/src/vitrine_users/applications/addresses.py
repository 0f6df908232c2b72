"""The addresses browsers are sent back to: which may be registered, and how an answer is added to one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from vitrine_users.applications.errors import BadAddress

MAX_ADDRESS_CHARS = 500
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PRIVATE_SCHEME = re.compile(r"^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+$")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\uffff\\*#]")


def require_address(url: str, field: str) -> None:
    """Holds that an address may be registered: https, http on the loopback, or an app's own scheme (RFC 8252).

    Raises:
        BadAddress: says why not.
    """
    if len(url) > MAX_ADDRESS_CHARS or _FORBIDDEN.search(url):
        raise BadAddress(field, "An address has at most 500 characters, and no blanks, *, \\ or #.")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise BadAddress(field, f"{url} is no address.") from None
    if parts.username is not None or parts.password is not None:
        raise BadAddress(field, "An address holds no user.")
    if parts.scheme in {"https", "http"}:
        if not host:
            raise BadAddress(field, f"{url} has no host.")
        if parts.scheme == "http" and host not in LOOPBACK:
            raise BadAddress(field, "http:// is for this machine's loopback only; use https://.")
    elif not _PRIVATE_SCHEME.match(parts.scheme):
        raise BadAddress(
            field, "Use https://, or an app's own scheme with a dot, such as com.example.app:/back."
        )


def with_parameters(url: str, parameters: Mapping[str, str | None]) -> str:
    """The address with these added to its query; those that are None are left out."""
    parts = urlsplit(url)
    added = [(name, value) for name, value in parameters.items() if value is not None]
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added])
    return parts._replace(query=query).geturl()
