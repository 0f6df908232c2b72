"""The rules about registration: an account for a new address, a mail for every address, one answer for both."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries
from vitrine_users.accounts.addresses import EmailAddress
from vitrine_users.addresses import service as addresses
from vitrine_users.audit.log import record
from vitrine_users.mail import outbox
from vitrine_users.registrations.errors import RegistrationClosed
from vitrine_users.roles.models import CUSTOMER
from vitrine_users.settings import UsersSettings

log = get_logger(__name__)


def require_open(settings: UsersSettings) -> None:
    """Holds that anybody may make an account.

    Raises:
        RegistrationClosed: they may not.
    """
    if settings.registration != "open":
        raise RegistrationClosed(by_invitation=settings.registration == "invite")


async def register(
    session: AsyncSession,
    address: EmailAddress,
    *,
    name: str,
    locale: str,
    password_hash: str,
    from_address: str,
) -> None:
    """Makes an unconfirmed account and mails its link; whoever has the address already is told so instead.

    Both take the same statements in the same order, so that neither the answer nor its time tells them apart.
    """
    account_id = new_id()
    added = await queries.add_unless_taken(
        session,
        id=account_id,
        email=address.text,
        email_key=address.key,
        name=name,
        locale=locale,
        password_hash=password_hash,
    )
    await queries.add_role_if_account(session, account_id, CUSTOMER)
    holder = await queries.find_holder(session, address.key)
    assert holder is not None, "the address was added here, or is somebody's"
    link = await addresses.make_verification_link(session, account_id if added else None, address.text)
    await outbox.send(
        session,
        template="verify" if added else "address-taken",
        to=holder["email"],
        locale=holder["locale"],
        person_id=holder["id"],
        context={"name": holder["name"], **link},
    )
    await record(
        session,
        action="account.registered" if added else "account.registration_repeated",
        actor_id=None,
        subject_id=holder["id"],
        outcome="success" if added else "refused",
        details={},
        address=from_address,
    )
    log.info("account_created" if added else "registration_repeated", account_id=holder["id"])
