"""Every SQL statement about applications, consents, authorization codes, grants and RSA keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.accounts.models import Account
from vitrine_users.accounts.queries import SHOWN as ACCOUNT
from vitrine_users.accounts.standing import MAY_ACT
from vitrine_users.applications.models import (
    Application,
    AuthorizationCode,
    Consent,
    Grant,
    IdTokenKey,
)

MAX_APPLICATIONS = 200
KEPT_AFTER_END_S = 3600
"""How long a code is kept after its end, so that a late second use still ends what came of it."""

RSA_TOKEN_LIFE_S = 720
"""How long after its last signature an RSA key is published: longer than any ID token lives, and a minute of skew."""

SHOWN = (
    Application.id,
    Application.name,
    Application.secret_digest.is_not(None).label("confidential"),
    Application.redirect_uris,
    Application.logout_uris,
    Application.signature,
    Application.created_at,
)

_ROTATE = text(
    """
    UPDATE users.application_grants
       SET generation = generation + 1, rotated_at = (ARRAY[clock_timestamp()] || rotated_at)[1:16]
     WHERE id = :grant_id AND application_id = :application_id AND generation = :generation
       AND expires_at > now()
    RETURNING id
    """
)


async def list_applications(db: Database) -> Sequence[RowMapping]:
    """At most 200 applications, oldest first."""
    return await db.fetch_all(select(*SHOWN).order_by(Application.id).limit(MAX_APPLICATIONS))


async def find_application(db: Database, application_id: UUID) -> RowMapping | None:
    """The application, with the digest of its secret."""
    statement = select(*SHOWN, Application.secret_digest).where(Application.id == application_id)
    return await db.fetch_one(statement)


async def add_application(session: AsyncSession, **values: Any) -> RowMapping:
    """Stores an application."""
    return (await session.execute(insert(Application).values(**values).returning(*SHOWN))).mappings().one()


async def change_application(
    session: AsyncSession, application_id: UUID, values: Mapping[str, Any]
) -> RowMapping | None:
    """Stores these columns of it; None where there is none."""
    statement = update(Application).where(Application.id == application_id).values(**values)
    return (await session.execute(statement.returning(*SHOWN))).mappings().one_or_none()


async def delete_application(session: AsyncSession, application_id: UUID) -> bool:
    """Deletes it with all that it was given; False where there is none."""
    statement = delete(Application).where(Application.id == application_id).returning(Application.id)
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def find_consent(db: Database, application_id: UUID, account_id: UUID) -> Sequence[str]:
    """What the person lets the application know; nothing until they were asked."""
    found = await db.fetch_value(
        select(Consent.scopes).where(
            Consent.application_id == application_id, Consent.account_id == account_id
        )
    )
    return found or ()


async def put_consent(
    session: AsyncSession, application_id: UUID, account_id: UUID, scopes: Collection[str]
) -> None:
    """Notes what the person lets the application know, from now on."""
    values = {"scopes": sorted(scopes), "granted_at": func.now()}
    statement = postgresql.insert(Consent).values(
        application_id=application_id, account_id=account_id, **values
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Consent.application_id, Consent.account_id], set_=values
        )
    )


async def list_consents(db: Database, account_id: UUID) -> Sequence[RowMapping]:
    """The applications the person has let in, by name."""
    statement = (
        select(Application.id, Application.name, Consent.scopes, Consent.granted_at)
        .join(Consent, Consent.application_id == Application.id)
        .where(Consent.account_id == account_id)
        .order_by(Application.name, Application.id)
    )
    return await db.fetch_all(statement)


async def delete_consent(session: AsyncSession, application_id: UUID, account_id: UUID) -> bool:
    """Forgets what the person has agreed to, and ends what came of it; False where there was nothing."""
    for table in (Grant, AuthorizationCode):
        await session.execute(
            delete(table).where(table.application_id == application_id, table.account_id == account_id)
        )
    statement = delete(Consent).where(
        Consent.application_id == application_id, Consent.account_id == account_id
    )
    return (await session.execute(statement.returning(Consent.account_id))).scalar_one_or_none() is not None


async def add_code(session: AsyncSession, *, ttl_s: int, **values: Any) -> None:
    """Stores a code that ends after `ttl_s` seconds."""
    await session.execute(
        insert(AuthorizationCode).values(expires_at=func.now() + timedelta(seconds=ttl_s), **values)
    )


async def use_code(
    session: AsyncSession, digest: bytes, application_id: UUID, grant_id: UUID
) -> RowMapping | None:
    """Uses up a code for a grant; None where it is unknown, another's, used or too old. Of many at once, one wins."""
    statement = (
        update(AuthorizationCode)
        .where(
            AuthorizationCode.digest == digest,
            AuthorizationCode.application_id == application_id,
            AuthorizationCode.used_at.is_(None),
            AuthorizationCode.expires_at > func.now(),
        )
        .values(used_at=func.now(), grant_id=grant_id)
        .returning(
            AuthorizationCode.account_id,
            AuthorizationCode.redirect_uri,
            AuthorizationCode.scopes,
            AuthorizationCode.nonce,
            AuthorizationCode.code_challenge,
            AuthorizationCode.authenticated_at,
            AuthorizationCode.assurance,
        )
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def find_used_code(session: AsyncSession, digest: bytes, application_id: UUID) -> RowMapping | None:
    """Whose code this was, and the grant that came of it, where it was used before."""
    statement = select(AuthorizationCode.account_id, AuthorizationCode.grant_id).where(
        AuthorizationCode.digest == digest,
        AuthorizationCode.application_id == application_id,
        AuthorizationCode.used_at.is_not(None),
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def add_grant(session: AsyncSession, *, ttl_s: int, **values: Any) -> None:
    """Stores a grant that ends after `ttl_s` seconds."""
    await session.execute(insert(Grant).values(expires_at=func.now() + timedelta(seconds=ttl_s), **values))


_GRANT = (
    Grant.id.label("grant_id"),
    Grant.application_id,
    Grant.scopes,
    Grant.secret,
    Grant.generation,
    Grant.authenticated_at,
    Grant.assurance,
    Grant.expires_at,
)


_FIND_GRANT = (
    select(*ACCOUNT, *_GRANT)
    .join(Grant, Grant.account_id == Account.id)
    .where(Grant.id == bindparam("grant_id"), Grant.expires_at > func.now(), *MAY_ACT)
)


async def find_grant(db: Database, grant_id: UUID) -> RowMapping | None:
    """A living grant with the account it is about, where that may act."""
    return await db.fetch_one(_FIND_GRANT, {"grant_id": grant_id})


async def find_grant_in(session: AsyncSession, grant_id: UUID) -> RowMapping | None:
    """The same within a transaction, which sees what it has written itself."""
    return (await session.execute(_FIND_GRANT, {"grant_id": grant_id})).mappings().one_or_none()


async def rotate(session: AsyncSession, grant_id: UUID, application_id: UUID, generation: int) -> bool:
    """Uses up the refresh token of this generation; False where it is not the one that is good now. One wins."""
    values = {"grant_id": grant_id, "application_id": application_id, "generation": generation}
    return (await session.execute(_ROTATE, values)).first() is not None


async def was_used_lately(session: AsyncSession, grant_id: UUID, generation: int, *, grace_s: int) -> bool:
    """Whether the token of this generation was used up within the last `grace_s` seconds."""
    age = Grant.generation - generation
    statement = select(Grant.id).where(
        Grant.id == grant_id,
        age >= 1,
        Grant.rotated_at[age] > func.clock_timestamp() - timedelta(seconds=grace_s),
    )
    return (await session.execute(statement)).first() is not None


async def delete_grant(session: AsyncSession, grant_id: UUID, application_id: UUID) -> UUID | None:
    """Ends a grant of this application; returns whose it was."""
    statement = delete(Grant).where(Grant.id == grant_id, Grant.application_id == application_id)
    return (await session.execute(statement.returning(Grant.account_id))).scalar_one_or_none()


async def delete_grants_of(session: AsyncSession, account_id: UUID) -> None:
    """Ends every grant of the person, and codes that were not exchanged yet."""
    for table in (Grant, AuthorizationCode):
        await session.execute(delete(table).where(table.account_id == account_id))


_ACTIVE_RSA_KEY = (
    select(IdTokenKey.id, IdTokenKey.sealed_key)
    .where(IdTokenKey.retired_at.is_(None))
    .order_by(IdTokenKey.id.desc())
    .limit(1)
)
_RSA_KEY_ENDS = IdTokenKey.retired_at + timedelta(seconds=RSA_TOKEN_LIFE_S)


async def find_rsa_key(db: Database) -> RowMapping | None:
    """The RSA key that signs now."""
    return await db.fetch_one(_ACTIVE_RSA_KEY)


async def lock_rsa_keys(session: AsyncSession) -> RowMapping | None:
    """Makes those who want to add a key take turns until the commit; returns the key that signs now."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("users.id_token_keys"))))
    return (await session.execute(_ACTIVE_RSA_KEY)).mappings().one_or_none()


async def add_rsa_key(
    session: AsyncSession, key_id: UUID, public_jwk: dict[str, Any], sealed_key: bytes
) -> None:
    """Stores a key that signs from the commit on."""
    await session.execute(insert(IdTokenKey).values(id=key_id, public_jwk=public_jwk, sealed_key=sealed_key))


async def retire_rsa_keys(session: AsyncSession, *, at_once: bool) -> None:
    """Lets every key sign nothing more; `at_once` takes them from the published ones too."""
    if at_once:
        await session.execute(delete(IdTokenKey))
        return
    statement = update(IdTokenKey).where(IdTokenKey.retired_at.is_(None))
    await session.execute(statement.values(retired_at=func.now()))


async def published_rsa_keys(db: Database) -> Sequence[dict[str, Any]]:
    """The public keys of every ID token that may still be good, newest first."""
    statement = (
        select(IdTokenKey.public_jwk)
        .where(IdTokenKey.retired_at.is_(None) | (func.now() < _RSA_KEY_ENDS))
        .order_by(IdTokenKey.id.desc())
    )
    return [row["public_jwk"] for row in await db.fetch_all(statement)]


async def purge(session: AsyncSession) -> None:
    """Drops grants, codes and keys that have ended."""
    await session.execute(delete(Grant).where(Grant.expires_at <= func.now()))
    await session.execute(delete(IdTokenKey).where(func.now() >= _RSA_KEY_ENDS))
    kept = func.now() - timedelta(seconds=KEPT_AFTER_END_S)
    await session.execute(delete(AuthorizationCode).where(AuthorizationCode.expires_at <= kept))
