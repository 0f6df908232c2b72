"""The commonest sign-in, by password and API with one proof: noted, begun and logged in a single statement.

It does what `accounts.queries.record_sign_in`, `tokens.queries.add_family` and `audit.log.record` do in a transaction,
for a third of the cost: a sign-in is to be bound by its hash alone (docs/reference/performance.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import (
    Float,
    RowMapping,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    lambda_stmt,
    literal,
    select,
    true,
)
from vitrine_kit.db import Database

from vitrine_users.accounts.models import Account
from vitrine_users.accounts.queries import RECORD_SIGN_IN
from vitrine_users.accounts.waits import FORGET
from vitrine_users.audit.log import appending
from vitrine_users.tokens.models import RefreshFamily

_FAMILIES = cast(Table, RefreshFamily.__table__)
_GIVEN = ("secret", "method", "assurance", "user_agent", "address")


def _build() -> Select[*tuple[Any, ...]]:
    # In the order in which transactions hold the same rows, which each part makes sure of by asking for the one before:
    # the account, its families, the head of the audit log.
    account = RECORD_SIGN_IN.where(Account.suspended_at.is_(None)).cte("account")
    there = exists(select(literal(1)).select_from(account))
    forgotten = FORGET.where(there).returning(literal(1)).cte("forgotten")
    ended = (
        delete(_FAMILIES)
        .where(_FAMILIES.c.account_id == bindparam("account_id"), _FAMILIES.c.expires_at <= func.now(), there)
        .returning(literal(1))
        .cte("ended")
    )
    family = (
        insert(_FAMILIES)
        .from_select(
            ["id", "account_id", "expires_at", *_GIVEN],
            select(
                bindparam("family_id", type_=_FAMILIES.c.id.type),
                account.c.id,
                func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("ttl_s", type_=Float)),
                *(bindparam(name, type_=_FAMILIES.c[name].type) for name in _GIVEN),
            ),
        )
        .returning(_FAMILIES.c.expires_at.label("family_expires_at"), _FAMILIES.c.authenticated_at)
        .cte("family")
    )
    last = exists(select(literal(1)).select_from(family)) & (
        select(func.count()).select_from(forgotten).scalar_subquery()
        + select(func.count()).select_from(ended).scalar_subquery()
        >= 0
    )
    entry = appending(last).returning(literal(1)).cte("entry")
    return select(account, family).select_from(account.join(family, true())).add_cte(entry)


_STATEMENT = _build()
# A lambda is looked up by its code, not by all that the statement consists of, which is much.
_SIGN_IN = lambda_stmt(lambda: _STATEMENT, track_bound_values=False)


async def sign_in(db: Database, values: Mapping[str, Any]) -> RowMapping | None:
    """The account with its roles and permissions, and `family_expires_at` and `authenticated_at` of the sign-in.

    None, and nothing done, where the hash is no longer the account's or the account is barred.
    """
    return await db.execute_alone(_SIGN_IN, values)
