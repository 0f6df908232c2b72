"""Whether we are under attack: failures of a network, and of the whole service, in the last minutes."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from sqlalchemy import text
from vitrine_kit.db import Database

from vitrine_users.challenges.episodes import EVERYWHERE, go_on
from vitrine_users.secrets import derive_key, keyed_digest
from vitrine_users.settings import UsersSettings

_IPV4_PREFIX, _IPV6_PREFIX = 24, 64
"""How much of an address one attacker has cheaply."""

# Buckets in the table of rate limits: each failure adds its share of the window, which drains as time goes by. A
# bucket holds two windows at the most, so that an attack is over one window after its last failure.
_NOTE = text(
    """
    INSERT INTO users.rate_limit AS r (key, even_at)
    SELECT given.key, clock_timestamp() + make_interval(secs => given.cost_s)
      FROM unnest(CAST(:keys AS bytea[]), CAST(:costs_s AS float8[])) AS given (key, cost_s)
     ORDER BY given.key
    ON CONFLICT (key) DO UPDATE SET even_at = least(
        clock_timestamp() + make_interval(secs => 2 * :window_s),
        greatest(r.even_at, clock_timestamp()) + make_interval(
            secs => (CAST(:costs_s AS float8[]))[array_position(CAST(:keys AS bytea[]), r.key)]))
    RETURNING r.key, r.even_at > clock_timestamp() + make_interval(secs => :window_s) AS is_high
    """
)
_IS_HIGH = text(
    """
    SELECT coalesce(bool_or(even_at > clock_timestamp() + make_interval(secs => :window_s)), false) AS is_high
      FROM users.rate_limit WHERE key = ANY(CAST(:keys AS bytea[]))
    """
)


def network_of(address: str) -> str:
    """The network an address belongs to: /24 of IPv4, /64 of IPv6; what is no address is its own."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    prefix = _IPV4_PREFIX if parsed.version == 4 else _IPV6_PREFIX
    return str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False))


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Whose failures are counted together, and how many it takes within a window."""

    scope: str
    most: int


class Pressure:
    """Counts failures in PostgreSQL, for all workers; only digests are stored."""

    def __init__(self, database: Database, settings: UsersSettings) -> None:
        self._database = database
        self._key = derive_key(settings.secret_key.get_secret_value(), "pressure")
        self._window_s = float(settings.challenge_window_s)
        self._of_network = settings.challenge_after_network
        self._of_all = settings.challenge_after_all

    async def note(self, address: str) -> None:
        """Counts one failure of an address. A statement of its own: it stays though the request is rolled back."""
        counted = self._buckets(address)
        if not counted:
            return
        values = {
            "keys": list(counted),
            "costs_s": [self._window_s / bucket.most for bucket in counted.values()],
            "window_s": self._window_s,
        }
        async with self._database.separate_connection() as connection:
            noted = (await connection.execute(_NOTE, values)).all()
            high = [counted[bytes(bucket.key)].scope for bucket in noted if bucket.is_high]
            if high:
                await go_on(connection, high, window_s=self._window_s)

    async def is_high(self, address: str) -> bool:
        """Whether so many failures came lately, from the network of this address or from everywhere."""
        keys = list(self._buckets(address))
        if not keys:
            return False
        row = await self._database.execute_alone(_IS_HIGH, {"keys": keys, "window_s": self._window_s})
        return row is not None and bool(row["is_high"])

    def _buckets(self, address: str) -> dict[bytes, _Bucket]:
        """The buckets that a failure of this address falls into, by their digests; one that takes none is not kept."""
        network = network_of(address)
        named = {
            f"network\n{network}": _Bucket(network, self._of_network),
            EVERYWHERE: _Bucket(EVERYWHERE, self._of_all),
        }
        return {keyed_digest(self._key, name): bucket for name, bucket in named.items() if bucket.most}
