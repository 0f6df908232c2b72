"""The one seam under httpx: aiohttp's connections, or httpx's own, over TCP or the internal UNIX socket."""

from __future__ import annotations

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from vitrine_kit.outbound.policy import Policy


def make_transport(kind: str, policy: Policy, socket: Path | None = None) -> httpx.AsyncBaseTransport:
    """A transport with the policy's limits.

    Args:
        kind: "aiohttp", several times faster with many connections, or "httpx".
        policy: how many connections, and for how long an idle one is kept.
        socket: the UNIX socket that leads to all neighbours; the Host header tells them apart.
    """
    if kind == "httpx":
        limits = httpx.Limits(
            max_connections=policy.max_connections,
            max_keepalive_connections=policy.max_connections,
            keepalive_expiry=policy.idle_connection_s,
        )
        return httpx.AsyncHTTPTransport(limits=limits, uds=str(socket) if socket else None, trust_env=False)

    def session() -> aiohttp.ClientSession:
        connector: aiohttp.BaseConnector
        if socket is not None:
            connector = aiohttp.UnixConnector(
                str(socket), limit=policy.max_connections, keepalive_timeout=policy.idle_connection_s
            )
        else:
            connector = aiohttp.TCPConnector(
                limit=policy.max_connections, keepalive_timeout=policy.idle_connection_s, ttl_dns_cache=10
            )
        # The dummy jar: one caller's cookies must never travel with the next one's request.
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )

    # The transport would load the system's certificates for a context that our own connector never uses.
    return AiohttpTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), client=session, trust_env=False)


def no_cookies() -> CookieJar:
    """A cookie jar that keeps nothing, for httpx's client would send one answer's cookies with the next request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))
