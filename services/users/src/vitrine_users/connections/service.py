"""The rules about connections: a visit is bound to its browser and good once, and nothing is joined by e-mail."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries as account_queries
from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.addresses import EmailAddress, NotAnAddress, parse_address
from vitrine_users.accounts.errors import AddressTaken
from vitrine_users.accounts.schemas import MAX_NAME_CHARS
from vitrine_users.audit.log import record
from vitrine_users.connections import queries
from vitrine_users.connections.errors import (
    AddressHasAccount,
    ConnectedElsewhere,
    LastWayIn,
    NoConfirmedAddress,
    NoSuchConnection,
    ProviderRefused,
    VisitEnded,
)
from vitrine_users.connections.providers import Attempt, Identity, Provider, Providers
from vitrine_users.connections.schemas import Purpose
from vitrine_users.factors import notices
from vitrine_users.invitations import service as invitations
from vitrine_users.registrations.service import require_open
from vitrine_users.roles.models import CUSTOMER
from vitrine_users.secrets import derive_key, digest_of, new_opaque, seal, unseal
from vitrine_users.settings import UsersSettings

log = get_logger(__name__)

VISIT_LIFE_S = 600
LOCALES = frozenset({"en", "de", "fr", "es"})


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that has just begun: where to send the browser, and what its cookie must hold."""

    url: str
    binding: str


@dataclass(frozen=True, slots=True)
class Returned:
    """Somebody who came back from a provider, which says who they are there."""

    provider: Provider
    purpose: Purpose
    account_id: UUID | None
    target: str
    identity: Identity


class Visits:
    """Sends people to providers, and takes them back."""

    def __init__(self, settings: UsersSettings, providers: Providers) -> None:
        self._public_url = settings.public_url
        self._key = derive_key(settings.secret_key.get_secret_value(), "provider-visits")
        self._providers = providers

    async def begin(
        self,
        db: Database,
        slug: str,
        *,
        purpose: Purpose,
        account_id: UUID | None,
        binding: str | None,
        target: str,
    ) -> Visit:
        """A visit for a browser; `binding` is what its cookie holds, so that several tabs can visit at once.

        Raises:
            NoSuchProvider: nobody has this name.
            ProviderUnavailable: the provider cannot be asked where to send people.
        """
        provider = self._providers.get(slug)
        attempt = Attempt(self._redirect_uri(slug), new_opaque(), new_opaque(), new_opaque())
        url = await provider.authorization_url(attempt, ask_again=purpose == "confirm")
        visit_id, binding = new_id(), binding or new_opaque()
        kept = orjson.dumps({"nonce": attempt.nonce, "verifier": attempt.verifier})
        async with db.transaction() as session:
            await queries.add_visit(
                session,
                visit_id,
                state_digest=digest_of(attempt.state),
                browser_digest=digest_of(binding),
                provider=slug,
                purpose=purpose,
                account_id=account_id,
                sealed=seal(self._key, kept, str(visit_id)),
                target=target,
                ttl_s=VISIT_LIFE_S,
            )
        return Visit(url, binding)

    async def finish(
        self,
        db: Database,
        slug: str,
        *,
        state: str,
        binding: str,
        code: str | None,
        error: str | None,
        answered_by: str | None,
    ) -> Returned:
        """Uses a visit up, and asks the provider who has come back.

        Raises:
            NoSuchProvider: nobody has this name.
            VisitEnded: there is no such visit from this browser to this provider, or no more.
            ProviderRefused, ProviderUnavailable: see `Provider.identify`.
        """
        provider = self._providers.get(slug)
        async with db.transaction() as session:
            row = await queries.use_visit(
                session, state_digest=digest_of(state), browser_digest=digest_of(binding), provider=slug
            )
        if row is None:
            raise VisitEnded
        if error is not None or code is None:
            raise ProviderRefused(provider.settings.name, f"answered {(error or 'without a code')[:60]!r}")
        kept = orjson.loads(unseal(self._key, row["sealed"], str(row["id"])))
        attempt = Attempt(self._redirect_uri(slug), state, kept["nonce"], kept["verifier"])
        purpose: Purpose = row["purpose"]
        asked_at_s = row["created_at"].timestamp() if purpose == "confirm" else None
        identity = await provider.identify(attempt, code, answered_by=answered_by, asked_at_s=asked_at_s)
        return Returned(provider, purpose, row["account_id"], row["target"], identity)

    def _redirect_uri(self, slug: str) -> str:
        return f"{self._public_url}/sign-in/with/{slug}/callback"


async def welcome(
    session: AsyncSession, settings: UsersSettings, returned: Returned, *, from_address: str
) -> RowMapping:
    """An account for somebody who has none and whose provider vouches for their address, with the connection.

    An invitation to the address is taken up. Where the address has an account, nothing is joined: who holds it at
    the provider need not be who has the account here.

    Raises:
        NoConfirmedAddress: the provider vouches for no address, whether it has an account or not.
        AddressHasAccount: the address has an account.
        RegistrationClosed: strangers may make no account, and there is no invitation.
    """
    name, identity = returned.provider.settings.name, returned.identity
    address = _confirmed_address(identity)
    if address is None:
        raise NoConfirmedAddress(name)
    if await account_queries.find_holder(session, address.key) is not None:
        raise AddressHasAccount(name)
    shown = name_of(identity, address)
    account = await invitations.accept_for_address(
        session, address, name=shown, password_hash=None, from_address=from_address
    )
    if account is None:
        require_open(settings)
        try:
            account = await accounts.create_account(session, address, shown, None, [CUSTOMER])
        except AddressTaken as error:
            raise AddressHasAccount(name) from error
        await account_queries.confirm_address(session, account["id"], address.key)
    await accounts.change_profile(session, account["id"], locale=locale_of(identity))
    await queries.add_connection(
        session, account["id"], issuer=identity.issuer, subject=identity.subject, label=address.text
    )
    await record(
        session,
        action="account.registered",
        actor_id=None,
        subject_id=account["id"],
        details={"by": "provider", "provider": returned.provider.settings.slug},
        address=from_address,
    )
    return account


async def connect(session: AsyncSession, account_id: UUID, returned: Returned, *, from_address: str) -> None:
    """Lets the account at the provider sign in to this one; both have been proved.

    Raises:
        ConnectedElsewhere: it signs in to another one.
    """
    identity, settings = returned.identity, returned.provider.settings
    label = identity.email or identity.name or identity.subject
    if not await queries.add_connection(
        session, account_id, issuer=identity.issuer, subject=identity.subject, label=label
    ):
        if await queries.note_use(session, account_id, identity.issuer, identity.subject):
            return
        raise ConnectedElsewhere(settings.name)
    await notices.tell(
        session,
        account_id,
        action="connection.added",
        template="factor-added",
        address=from_address,
        details={"provider": settings.slug},
        kind="provider",
        label=settings.name,
    )
    log.info("connection_added", account_id=account_id, provider=settings.slug)


async def disconnect(
    session: AsyncSession, account_id: UUID, connection_id: UUID, providers: Providers, *, from_address: str
) -> None:
    """Takes a connection from the account, where another way to sign in is left.

    Raises:
        NoSuchConnection: the account has none such.
        LastWayIn: nothing would be left.
    """
    await account_queries.lock_account(session, account_id)
    row = await queries.delete_connection(session, account_id, connection_id)
    if row is None:
        raise NoSuchConnection
    offered = providers.issuers
    if not await queries.has_way_in(session, account_id, offered):
        raise LastWayIn
    settings = offered.get(row["issuer"])
    await notices.tell(
        session,
        account_id,
        action="connection.removed",
        template="factor-removed",
        address=from_address,
        details={"issuer": row["issuer"]},
        kind="provider",
        label=row["issuer"] if settings is None else settings.name,
    )
    log.info("connection_removed", account_id=account_id, issuer=row["issuer"])


def name_of(identity: Identity, address: EmailAddress) -> str:
    """A name that can be shown: the issuer's, without what cannot, or the address's first part."""
    kept = (
        char
        for char in unicodedata.normalize("NFC", identity.name or "")
        if unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn", "Cf"} or char == "\u200d"
    )
    name = " ".join("".join(kept).split())[:MAX_NAME_CHARS].strip()
    return name or address.text.partition("@")[0][:MAX_NAME_CHARS]


def locale_of(identity: Identity) -> str:
    """The language of mails, where we write in the one the issuer names."""
    language = (identity.locale or "").replace("_", "-").partition("-")[0].lower()
    return language if language in LOCALES else "en"


def _confirmed_address(identity: Identity) -> EmailAddress | None:
    if identity.email is None or not identity.email_verified:
        return None
    try:
        return parse_address(identity.email)
    except NotAnAddress:
        return None
