"""Delivery: over SMTP, tried again with growing delays, given up for good reasons, deleted when done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from mail_server import MailServer, mail_server
from users_world import World
from vitrine_kit.db import Database
from vitrine_kit.jobs import RetryLater, Worker
from vitrine_users.mail import delivery, outbox, queries


@pytest_asyncio.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as made:
        yield made


@pytest_asyncio.fixture
async def shop(make_world: Any, server: MailServer) -> AsyncIterator[World]:
    """The service with a mail server."""
    changes = {
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_tls": "none",
        "mail_from": "Nut & Bolt <shop@example.org>",
    }
    async with make_world(**changes) as found:
        yield found


def database_of(world: World) -> Database:
    found: Database = world.app.extensions["vitrine"].database
    return found


async def write(world: World, to: str | None = "nora@example.org", locale: str = "de") -> UUID:
    facts = {"name": "Nora", "link": "http://localhost:8080/verify-email/x", "valid_s": 60}
    async with database_of(world).transaction() as session:
        return await outbox.send(
            session, template="verify", to=to, locale=locale, person_id=None, context=facts
        )


async def deliver(world: World, mail_id: UUID) -> None:
    with world.app.app_context():
        await delivery.deliver({"mail_id": str(mail_id)}, database_of(world))


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    worker = Worker(world.app, poll_s=0.2)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop.set()
        await running


async def test_the_worker_delivers_what_a_request_wrote(shop: World, server: MailServer) -> None:
    email = shop.some_email()
    async with working(shop):
        await shop.register(email=email, locale="fr")
        async with asyncio.timeout(20):
            while not any(email in str(message["To"]) for message in server.taken):
                server.arrived.clear()
                await server.arrived.wait()

    message = next(message for message in server.taken if email in str(message["To"]))
    assert message["From"] == "Nut & Bolt <shop@example.org>"
    assert message["Subject"] == "Confirmez votre adresse e-mail"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fr"
    assert message["Message-ID"].endswith("@example.org>")
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "/verify-email/" in plain.get_content()
    assert "/verify-email/" in html.get_content()


async def test_a_delivered_mail_is_deleted_and_never_sent_twice(shop: World, server: MailServer) -> None:
    mail_id = await write(shop)

    await deliver(shop, mail_id)
    await deliver(shop, mail_id)

    assert len(server.taken) == 1
    assert await queries.find_mail(database_of(shop), mail_id) is None


async def test_a_server_that_is_busy_is_tried_again_later_and_later(shop: World, server: MailServer) -> None:
    mail_id = await write(shop)
    delays = []
    for _ in range(3):
        server.refusals.append("450 mailbox of nora@example.org is busy")
        with pytest.raises(RetryLater) as later:
            await deliver(shop, mail_id)
        delays.append(later.value.delay_s)
        assert "nora" not in str(later.value), "the queue's log holds no address"
    found = await queries.find_mail(database_of(shop), mail_id)

    assert delays == [5, 10, 20]
    assert found is not None
    assert (found["attempts"], found["failed_at"]) == (3, None)
    assert "450" in found["last_error"]
    await deliver(shop, mail_id)
    assert len(server.taken) == 1


async def test_a_refused_recipient_is_given_up_at_once(shop: World, server: MailServer) -> None:
    mail_id = await write(shop)
    server.refusals.append("550 no nora@example.org here")

    await deliver(shop, mail_id)

    found = await queries.find_mail(database_of(shop), mail_id)
    assert found is not None
    assert found["failed_at"] is not None
    assert "550" in found["last_error"]
    assert "nora" not in found["last_error"]
    await deliver(shop, mail_id)
    assert server.taken == [], "what was given up is not tried again"


async def test_an_address_the_server_cannot_write_is_given_up_and_stays_out_of_the_logs(
    shop: World, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The test's server knows no SMTPUTF8 (RFC 6531)."""
    mail_id = await write(shop, to="jörg@example.org")

    await deliver(shop, mail_id)

    found = await queries.find_mail(database_of(shop), mail_id)
    assert found is not None
    assert found["failed_at"] is not None
    assert found["last_error"] == "SMTPNotSupported"
    assert "jörg" not in caplog.text


async def test_a_domain_of_other_letters_goes_out_in_ascii(shop: World, server: MailServer) -> None:
    await deliver(shop, await write(shop, to="ann@bücher.example"))

    assert server.envelopes[0][1] == ["ann@xn--bcher-kva.example"]


async def test_after_the_last_attempt_a_mail_is_given_up(shop: World, server: MailServer) -> None:
    mail_id = await write(shop)
    await shop.sql.execute(
        "UPDATE users.mail_outbox SET attempts = $1 WHERE id = $2", delivery.MAX_ATTEMPTS - 1, mail_id
    )
    server.refusals.append("450 busy")

    await deliver(shop, mail_id)

    found = await queries.find_mail(database_of(shop), mail_id)
    assert found is not None
    assert found["failed_at"] is not None


async def test_an_unreachable_server_is_a_reason_to_wait(make_world: Any) -> None:
    changes = {"smtp_host": "127.0.0.1", "smtp_port": 1, "smtp_tls": "none", "mail_from": "a@b.example"}
    async with make_world(**changes) as world:
        mail_id = await write(world)
        with pytest.raises(RetryLater):
            await deliver(world, mail_id)


def test_delays_grow_to_an_hour() -> None:
    delays = [delivery.delay_s(attempt) for attempt in range(1, delivery.MAX_ATTEMPTS)]

    assert delays == sorted(delays)
    assert delays[-1] == 3600
    assert 10 * 3600 < sum(delays) < 24 * 3600


async def test_a_mail_to_nobody_is_dropped_unsent(shop: World, server: MailServer) -> None:
    mail_id = await write(shop, to=None)

    await deliver(shop, mail_id)

    assert server.taken == []
    assert await queries.find_mail(database_of(shop), mail_id) is None


async def test_a_mail_of_a_transaction_that_failed_never_leaves(shop: World) -> None:
    facts = {"link": "http://localhost:8080/verify-email/x", "valid_s": 60}
    with pytest.raises(ZeroDivisionError):
        async with database_of(shop).transaction() as session:
            mail_id = await outbox.send(
                session, template="verify", to="a@b.example", locale="en", person_id=None, context=facts
            )
            raise ZeroDivisionError

    assert await queries.find_mail(database_of(shop), mail_id) is None


async def test_bodies_are_sealed_and_tied_to_their_row(shop: World) -> None:
    mail_id = await write(shop)
    row = await shop.sql.fetchval("SELECT t::text FROM users.mail_outbox t WHERE id = $1", mail_id)
    sealed = await shop.sql.fetchval("SELECT sealed_body FROM users.mail_outbox WHERE id = $1", mail_id)

    assert b"verify-email" not in sealed
    assert "localhost" not in row
    await shop.sql.execute("UPDATE users.mail_outbox SET sealed_body = $1 WHERE id = $2", b"x" * 60, mail_id)
    await deliver(shop, mail_id)
    found = await queries.find_mail(database_of(shop), mail_id)
    assert found is not None
    assert found["last_error"] == "it was sealed under another secret key"


async def test_old_mail_is_purged_and_mail_from_before_there_was_a_server_is_queued(
    world: World, shop: World, server: MailServer
) -> None:
    old, decoy, waiting = await write(world), await write(world, to=None), await write(world)
    age = "UPDATE users.mail_outbox SET created_at = now() - make_interval(secs => $1) WHERE id = $2"
    await world.sql.execute(age, float(delivery.KEPT_S + 1), old)
    await world.sql.execute(age, float(delivery.DECOYS_KEPT_S + 1), decoy)

    await delivery.keep_mail(database_of(shop))
    await delivery.keep_mail(database_of(shop))

    left = "SELECT id FROM users.mail_outbox WHERE id = ANY($1)"
    assert [row["id"] for row in await world.sql.fetch(left, [old, decoy, waiting])] == [waiting]
    queued = "SELECT count(*) FROM users.pgqueuer WHERE payload = $1"
    payload = b'{"mail_id":"%s"}' % str(waiting).encode()
    assert await world.sql.fetchval(queued, payload) == 1, "and once, however often the house is kept"
