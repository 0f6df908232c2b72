"""One-time links: bound to a person and a purpose, dead for nobody, purged when they have ended."""

from __future__ import annotations

import pytest
from users_world import API, World
from vitrine_kit.db import Database
from vitrine_users.links import queries, service
from vitrine_users.links.errors import LinkSpent
from vitrine_users.links.service import Purpose
from vitrine_users.secrets import digest_of


@pytest.fixture
def database(world: World) -> Database:
    found: Database = world.app.extensions["vitrine"].database
    return found


async def test_rule_19_the_links_host_is_the_public_address(world: World, database: Database) -> None:
    person = await world.person()
    async with database.transaction() as session:
        made = await service.make(session, Purpose.RESET, person_id=person.id, ttl_s=60)

    page, _, secret = made.url.rpartition("/")
    assert page == "http://localhost:8080/reset-password"
    assert len(secret) >= 43, "256 bits in base64"


async def test_rule_15_a_link_works_for_its_purpose_alone(world: World, database: Database) -> None:
    person = await world.person()
    async with database.transaction() as session:
        made = await service.make(
            session, Purpose.RESET, person_id=person.id, ttl_s=60, address="a@b.example"
        )
    secret = made.url.rpartition("/")[2]

    for purpose in set(Purpose) - {Purpose.RESET}:
        with pytest.raises(LinkSpent):
            await service.look_up(database, purpose, secret)
        with pytest.raises(LinkSpent):
            async with database.transaction() as session:
                await service.redeem(session, purpose, secret)
    held = await service.look_up(database, Purpose.RESET, secret)
    assert (held.person_id, held.address) == (person.id, "a@b.example")


async def test_a_redemption_that_is_rolled_back_uses_nothing_up(world: World, database: Database) -> None:
    person = await world.person()
    async with database.transaction() as session:
        made = await service.make(session, Purpose.VERIFY, person_id=person.id, ttl_s=60)
    secret = made.url.rpartition("/")[2]

    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await service.redeem(session, Purpose.VERIFY, secret)
            raise ZeroDivisionError

    assert (await service.look_up(database, Purpose.VERIFY, secret)).person_id == person.id


async def test_a_link_to_nobody_is_stored_like_any_other_and_opens_nothing(
    world: World, database: Database
) -> None:
    async with database.transaction() as session:
        made = await service.make_for_nobody(session, Purpose.RESET, address="a@b.example")
    secret = made.url.rpartition("/")[2]

    stored = "SELECT count(*) FROM users.link_tokens WHERE digest = $1"
    assert await world.sql.fetchval(stored, digest_of(secret)) == 1
    with pytest.raises(LinkSpent):
        await service.look_up(database, Purpose.RESET, secret)
    async with database.transaction() as session:
        await queries.purge_links(session)
    assert await world.sql.fetchval(stored, digest_of(secret)) == 0


@pytest.mark.parametrize(
    ("purpose", "path"),
    [
        (Purpose.VERIFY, "/email-verifications/confirm"),
        (Purpose.RESET, "/password-resets/confirm"),
        (Purpose.CHANGE_ADDRESS, "/address-changes/confirm"),
        (Purpose.CANCEL_DELETION, "/deletions/cancel"),
    ],
)
async def test_rule_20_no_link_from_a_mail_signs_anybody_in(
    world: World, database: Database, purpose: Purpose, path: str
) -> None:
    """ASVS 6.3.6: the mailbox is no factor. What a link does, it does without a session."""
    person = await world.person("editor")
    address = world.some_email() if purpose == Purpose.CHANGE_ADDRESS else person.email
    async with database.transaction() as session:
        made = await service.make(session, purpose, person_id=person.id, ttl_s=60, address=address)
    count = (
        "SELECT (SELECT count(*) FROM users.browser_sessions WHERE account_id = $1)"
        " + (SELECT count(*) FROM users.refresh_families WHERE account_id = $1)"
    )
    before = await world.sql.fetchval(count, person.id)
    body = {"token": made.url.rpartition("/")[2]}
    if purpose == Purpose.RESET:
        body["new_password"] = "nine calm otters knit"

    answer = await world.client.post(f"{API}{path}", json=body)

    assert answer.status_code in {200, 204}, answer.text
    assert "set-cookie" not in answer.headers
    assert "token" not in answer.text
    assert await world.sql.fetchval(count, person.id) <= before
