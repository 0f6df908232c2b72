"""A try to sign in by password: counted, allowed to its address, and what it is checked against, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import RowMapping, TextClause, text
from vitrine_kit.db import Database
from vitrine_kit.limits.rates import spending

from vitrine_users.accounts.waits import Patience, counting, counting_values

# What the statement reads it reads as of its beginning; the sign-in is written only where the hash is still the same.
_READ = """
    a.id, a.password_hash,
    EXISTS (SELECT FROM users.totp_factors t WHERE t.account_id = a.id AND t.confirmed_at IS NOT NULL)
    OR EXISTS (SELECT FROM users.passkeys p WHERE p.account_id = a.id) AS has_factor
    FROM (VALUES (1)) AS one LEFT JOIN users.accounts a ON a.email_key = :email_key"""


@cache
def _begin(count: int, spends: bool) -> TextClause:
    parts, counted, all_counted = counting(count)
    allowed = "true"
    if spends:
        parts += f", spent AS ({spending('users.rate_limit', only_if=all_counted)})"
        allowed = "EXISTS (SELECT FROM spent)"
    return text(f"WITH {parts} SELECT {counted} AS counted, {allowed} AS allowed, {_READ}")


async def begin(
    db: Database,
    email_key: str,
    tries: Sequence[tuple[bytes, Patience]],
    allowance: Mapping[str, object] | None,
) -> RowMapping:
    """Counts the tries in turn, then uses the allowance where there is one, and reads the credentials.

    `counted`, how many tries; `allowed`, whether the allowance was enough; `id`, `password_hash` and `has_factor` of
    the account with this key, None where there is none.
    """
    values = {**counting_values(tries), **(allowance or {}), "email_key": email_key}
    row = await db.execute_alone(_begin(len(tries), allowance is not None), values)
    assert row is not None  # it counts, so there is a row where there is no account too
    return row
