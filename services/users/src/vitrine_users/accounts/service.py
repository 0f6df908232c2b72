"""The rules about accounts: who may be registered, proved, changed and erased."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from sqlalchemy import RowMapping, func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import events, idempotency
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries
from vitrine_users.accounts.addresses import EmailAddress, NotAnAddress, key_of, parse_address
from vitrine_users.accounts.errors import (
    AddressTaken,
    AddressUnverified,
    BadInput,
    NoSuchAccount,
    WrongCredentials,
    WrongPassword,
)
from vitrine_users.accounts.guessing import Guesses
from vitrine_users.accounts.models import Account
from vitrine_users.accounts.passwords import PasswordHasher, WeakPassword, require_strong
from vitrine_users.accounts.standing import require_not_suspended
from vitrine_users.audit.log import record
from vitrine_users.challenges.pressure import Pressure
from vitrine_users.roles import service as roles
from vitrine_users.roles.models import CUSTOMER, OWNER

log = get_logger(__name__)

PERSON_DELETED = "person.deleted"


def location_of(account_id: UUID) -> str:
    """The path of an account in the public API."""
    return f"/api/users/v1/users/{account_id}"


def read_address(email: str) -> EmailAddress:
    """The address in an input's field `email`.

    Raises:
        BadInput: it is none.
    """
    try:
        return parse_address(email)
    except NotAnAddress as error:
        raise BadInput("email", str(error)) from None


def accept_password(password: str, *, field: str, about: Collection[str]) -> None:
    """Holds that a password may be chosen by the person that `about` tells of.

    Raises:
        BadInput: it is too weak; says why.
    """
    try:
        require_strong(password, about=about)
    except WeakPassword as error:
        raise BadInput(field, str(error)) from None


async def get_account(db: Database, account_id: UUID) -> RowMapping:
    """The account with its roles and permissions.

    Raises:
        NoSuchAccount: there is none.
    """
    found = await queries.find_account(db, account_id)
    if found is None:
        raise NoSuchAccount
    return found


async def get_account_in(session: AsyncSession, account_id: UUID) -> RowMapping:
    """The same within a transaction, which sees what it has written itself.

    Raises:
        NoSuchAccount: there is none.
    """
    found = await queries.find_account_in(session, account_id)
    if found is None:
        raise NoSuchAccount
    return found


async def hold_account(session: AsyncSession, account_id: UUID) -> RowMapping:
    """The same, for a change: nobody else can change the account until the transaction ends.

    Raises:
        NoSuchAccount: there is none.
    """
    await queries.lock_account(session, account_id)
    return await get_account_in(session, account_id)


async def create_account(
    session: AsyncSession,
    address: EmailAddress,
    name: str,
    password_hash: str | None,
    role_names: Collection[str],
) -> RowMapping:
    """A new account with these roles.

    Raises:
        AddressTaken: another account has the address; of several at once, one wins.
    """
    account_id = new_id()
    account = Account(
        id=account_id,
        email=address.text,
        email_key=address.key,
        name=name,
        password_hash=password_hash,
        password_set_at=None if password_hash is None else func.now(),
    )
    session.add(account)
    try:
        await session.flush()
    except IntegrityError as error:
        raise AddressTaken from error
    wanted = await roles.get_roles(session, role_names)
    await roles.set_roles(session, account_id, wanted)
    log.info("account_created", account_id=account_id, roles=sorted(role_names))
    return await get_account_in(session, account_id)


@dataclass(frozen=True, slots=True)
class Proved:
    """A password was right: whose, and what is to be done about it once the sign-in is written."""

    account_id: UUID
    verified: str
    """The hash it was verified with."""
    has_factor: bool
    """Whether another proof must follow."""
    tries: Collection[bytes]
    """What has been counted as failures until now, for `Guesses.forget`."""


async def prove_password(
    db: Database,
    hasher: PasswordHasher,
    guesses: Guesses,
    pressure: Pressure,
    *,
    email: str,
    password: str,
    address: str,
    device_id: UUID | None = None,
) -> Proved:
    """Whose address and password these are; an unknown account takes as long.

    A device that the account knows counts its own failures only. The try counts as one until it is forgotten.

    Raises:
        TooManyFailures: wait first.
        WrongCredentials: one of them is wrong, or there is no such account.
    """
    key = key_of(email)
    found = await guesses.sign_in_to(key or email, key or "", address, device_id=device_id)
    if not await hasher.verify(found["password_hash"], password) or found["id"] is None:
        # One row for a known account and for an unknown one: it must take as long.
        await pressure.note(address)
        await _note_refusal(db, "session.refused", found["id"], address)
        log.info("sign_in_failed", account_id=found["id"])
        raise WrongCredentials
    return Proved(
        found["id"],
        found["password_hash"],
        found["has_factor"],
        guesses.keys_of(key or email, address, device_id=device_id),
    )


async def _note_refusal(db: Database, action: str, account_id: UUID | None, address: str) -> None:
    async with db.transaction() as session:
        await record(
            session,
            action=action,
            actor_id=None,
            subject_id=account_id,
            outcome="refused",
            details={"by": "password"},
            address=address,
        )


async def note_sign_in(session: AsyncSession, proved: Proved, *, rehashed: str | None) -> RowMapping:
    """Notes a sign-in by password, and stores the password's newer hash where one was made; the account.

    Raises:
        WrongCredentials: the password was changed, or the account erased, since it was verified.
    """
    account = await queries.record_sign_in(
        session,
        proved.account_id,
        verified=proved.verified,
        kept=rehashed or proved.verified,
        forgotten=proved.tries,
    )
    if account is None:
        raise WrongCredentials
    return account


async def refuse_sign_in(db: Database, account_id: UUID) -> NoReturn:
    """Says why a sign-in by password was not written.

    Raises:
        AccountSuspended: staff has barred the account.
        WrongCredentials: the password was changed, or the account erased, since it was verified.
    """
    account = await queries.find_account(db, account_id)
    if account is not None:
        require_not_suspended(account)
    raise WrongCredentials


async def note_proved_sign_in(session: AsyncSession, account_id: UUID) -> RowMapping:
    """Notes a sign-in that was proved by other means than a password, or in two steps; the account.

    Raises:
        NoSuchAccount: it was erased meanwhile.
    """
    account = await queries.record_proved_sign_in(session, account_id)
    if account is None:
        raise NoSuchAccount
    return account


async def require_same_password(session: AsyncSession, account_id: UUID, verified: str | None) -> None:
    """Holds that the hash just verified is still the account's.

    Raises:
        WrongPassword: the password was changed in the meantime.
    """
    if await queries.find_password_hash(session, account_id) != verified:
        raise WrongPassword("password")


async def keep_rehashed(session: AsyncSession, proved: Proved, *, rehashed: str | None) -> None:
    """Stores the newer hash of a password just verified, where one was made; notes no sign-in."""
    if rehashed is not None:
        await queries.keep_rehashed(session, proved.account_id, verified=proved.verified, rehashed=rehashed)


async def rehash(hasher: PasswordHasher, verified: str, password: str) -> str | None:
    """A newer hash of a password just verified, where the parameters have risen since."""
    return await hasher.hash(password) if hasher.needs_rehash(verified) else None


async def confirm_password(
    db: Database,
    hasher: PasswordHasher,
    guesses: Guesses,
    *,
    account_id: UUID,
    password: str | None,
    field: str,
    address: str,
) -> RowMapping:
    """The credentials of somebody signed in who gives the password again; an account without one needs none.

    Raises:
        TooManyFailures: wait first.
        WrongPassword: it is wrong, or left out; names the field.
        NoSuchAccount: it was erased in the meantime.
    """
    found = await queries.find_credentials(db, account_id)
    if found is None:
        raise NoSuchAccount
    if found["password_hash"] is None and password is None:
        return found
    await guesses.sign_in(str(account_id), address)
    if not await hasher.verify(found["password_hash"], password or ""):
        await _note_refusal(db, "password.refused", account_id, address)
        log.info("password_confirmation_failed", account_id=account_id)
        raise WrongPassword(field)
    await guesses.succeeded(str(account_id), address)
    return found


async def change_password(session: AsyncSession, account_id: UUID, *, old: str | None, new: str) -> None:
    """Stores the hash of a new password in place of the old one.

    Raises:
        WrongPassword: the password was changed by somebody else in the meantime.
    """
    if not await queries.set_password(session, account_id, old=old, new=new):
        raise WrongPassword("current_password")
    log.info("password_changed", account_id=account_id)


async def change_profile(session: AsyncSession, account_id: UUID, **values: str) -> None:
    """Gives the account another name, locale or time zone."""
    await queries.touch_account(session, account_id, **values)


async def change_roles(
    session: AsyncSession, account: RowMapping, names: Collection[str], held: Collection[str]
) -> None:
    """Makes these the account's roles, for somebody who may do `held`; see `roles.service.give_roles`.

    Raises:
        AddressUnverified: the roles are for staff, and the person has not shown that the address is theirs.
    """
    if not account["email_verified"] and not set(names) - set(account["roles"]) <= {CUSTOMER}:
        raise AddressUnverified
    await roles.give_roles(session, account["id"], held=held, before=account["roles"], after=names)
    await queries.touch_account(session, account["id"])
    log.info("roles_changed", account_id=account["id"], roles=sorted(names))


async def erase(session: AsyncSession, account: RowMapping) -> None:
    """Erases a person: the account and all that hangs on it go, and the other services are told.

    Raises:
        LastOwner: nobody would own the shop.
    """
    account_id: UUID = account["id"]
    if OWNER in account["roles"]:
        await roles.require_another_owner(session, account_id)
    await queries.delete_account(session, account_id)
    await idempotency.forget(session, f"user:{account_id}")
    await queries.forget_answers_about(session, location_of(account_id))
    await events.emit(
        session, topic=PERSON_DELETED, aggregate_id=account_id, payload={"person_id": str(account_id)}
    )
    log.info("account_erased", account_id=account_id)
