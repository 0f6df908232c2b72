"""Requests to addresses that people give us: each connection goes to an address that was checked, and nowhere else."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Gives the network addresses of a host's name."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_TUNNELS = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))
_NEVER = (
    ipaddress.IPv4Network("0.0.0.0/8"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    # Where clouds serve machines' credentials, beside the link-local addresses.
    ipaddress.IPv4Network("100.100.100.200/32"),
    ipaddress.IPv6Network("fd00:ec2::254/128"),
)


class ForbiddenAddress(OSError):
    """A host's name leads to a network address that no request of ours may go to."""


def is_allowed(text: str, *, private: bool = False) -> bool:
    """Whether requests may go to a network address: public ones, and with `private` a private network's too.

    Never link-local addresses (clouds serve credentials there), multicast, reserved ones, or tunnels whose other end
    is not in the address. An IPv4 address inside an IPv6 one is judged as what it is.
    """
    try:
        address: IpAddress = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in _NEVER) or address.is_unspecified:
        return False
    if address.is_link_local or address.is_multicast:
        return False
    if private and any(address in network for network in _PRIVATE):
        return True
    if isinstance(address, ipaddress.IPv6Address):
        tunnelled = any(address in network for network in _TUNNELS)
        return address in _GLOBAL_UNICAST and not tunnelled and address.is_global
    return address.is_global and not address.is_reserved


async def look_up(host: str, port: int) -> list[str]:
    """The network addresses of a host, as the system knows them; asked in a thread, so that the loop goes on.

    Raises:
        OSError: it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Resolver(AbstractResolver):
    """Asks a look-up; what it answers is judged where the connection is made."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._lookup(host, port)
        if not found:
            raise OSError(f"{host} has no address")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Holds nothing."""


class PublicTransport(AiohttpTransport):
    """Carries requests to public hosts, over a connection of its own each.

    Addresses are judged as the socket is made, so it does not matter how a name was spelt, nor what it resolves to a
    moment later. TLS and the Host header keep the name. `refused` says which addresses were turned down.
    """

    def __init__(self, *, tls: ssl.SSLContext, private: bool = False, lookup: Lookup = look_up) -> None:
        self.refused: list[str] = []
        self._private = private

        def session() -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(
                ssl=tls,
                resolver=_Resolver(lookup),
                use_dns_cache=False,
                force_close=True,
                socket_factory=self._socket,
            )
            return aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )

        super().__init__(verify=tls, client=session, trust_env=False)

    def _socket(self, info: Any) -> socket.socket:
        family, kind, proto, _, address = info
        if not is_allowed(str(address[0]), private=self._private):
            self.refused.append(str(address[0]))
            raise ForbiddenAddress("requests may not go to this network address")
        made = socket.socket(family, kind, proto)
        made.setblocking(False)
        return made


def is_acceptable_url(text: str, *, private: bool = False) -> bool:
    """Whether requests may go to a URL, as far as its text tells: https (with `private` also http), a host, no user.

    What the host's name resolves to is judged when a request is made.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return False
    if url.scheme not in ({"https", "http"} if private else {"https"}) or not url.host:
        return False
    if url.port is not None and not 0 < url.port < 65536:
        return False
    if url.userinfo or url.fragment or not text.isprintable() or " " in text:
        return False
    try:
        ipaddress.ip_address(url.host)
    except ValueError:
        return True
    return is_allowed(url.host, private=private)
