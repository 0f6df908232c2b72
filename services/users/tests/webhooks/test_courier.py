"""Delivery of webhooks to real receivers: at least once, under one id, and none held up by another."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio
from standardwebhooks import Webhook, WebhookVerificationError
from users_world import Person, World
from vitrine_kit.db import Database
from vitrine_kit.jobs import Worker
from vitrine_kit.webhooks import Sender
from vitrine_users.audit.log import record
from vitrine_users.housekeeping import go_round
from vitrine_users.webhooks import queries
from vitrine_users.webhooks.courier import Courier
from vitrine_users.webhooks.telling import tell_new
from waiting import until
from webhook_receiver import Receiver, receiver

EVENTS = ["user.created", "user.updated", "user.deleted", "user.suspended", "session.created"]


def database_of(world: World) -> Database:
    found: Database = world.app.extensions["vitrine"].database
    return found


@pytest_asyncio.fixture
async def shop(make_world: Any) -> AsyncIterator[World]:
    """The service where webhooks may go to this machine, with nothing left to tell of."""
    async with make_world(webhook_private_addresses=True) as found:
        await found.sql.execute("DELETE FROM users.webhook_endpoints")
        while await tell_new(database_of(found)):
            pass
        yield found
        await found.sql.execute("DELETE FROM users.webhook_endpoints")


@pytest_asyncio.fixture
async def owner(shop: World) -> Person:
    return await shop.person("owner", name="Olive Owner")


@pytest_asyncio.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


def courier_of(world: World, *, timeout_s: float = 15, **options: Any) -> Courier:
    return Courier(database_of(world), Sender(private=True, timeout_s=timeout_s), **options)


async def subscribe(world: World, owner: Person, url: str, **changes: Any) -> dict[str, Any]:
    body = {"url": url, "event_types": EVENTS, **changes}
    answer = await world.send(owner, "POST", "/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def tell_all(world: World) -> None:
    while await tell_new(database_of(world)):
        pass


async def make_due(world: World) -> None:
    """Lets the time until the next attempts pass."""
    await world.sql.execute(
        "UPDATE users.webhook_deliveries SET next_attempt_at = now() WHERE state = 'waiting'"
    )


async def deliveries(world: World, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    rows = await world.sql.fetch(
        "SELECT * FROM users.webhook_deliveries WHERE endpoint_id = $1 ORDER BY id", UUID(endpoint["id"])
    )
    return [dict(row) for row in rows]


async def test_an_event_reaches_its_receiver_signed_and_without_personal_data(
    shop: World, owner: Person, there: Receiver
) -> None:
    endpoint = await subscribe(shop, owner, there.url())
    account_id, email = await shop.registered()

    await tell_all(shop)
    await courier_of(shop).deliver_due()

    (taken,) = there.taken
    event = Webhook(endpoint["secret"]).verify(taken.body, taken.headers)
    assert event["type"] == "user.created"
    assert event["data"] | {"sequence": 1} == {
        "user_id": str(account_id),
        "actor_id": None,
        "sequence": 1,
        "by": "registration",
        "verified": False,
    }
    assert abs(datetime.fromisoformat(event["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert email.encode() not in taken.body
    (row,) = await deliveries(shop, endpoint)
    assert (row["state"], row["attempts"], row["last_status"]) == ("delivered", 1, 204)
    assert taken.headers["webhook-id"] == str(row["event_id"])


async def test_the_e_mail_address_is_told_only_where_it_was_chosen_and_is_kept_nowhere(
    shop: World, owner: Person, there: Receiver
) -> None:
    endpoint = await subscribe(shop, owner, there.url(), include_email=True)
    account_id, email = await shop.registered()
    await tell_all(shop)
    await courier_of(shop).deliver_due()
    await shop.send(owner, "DELETE", f"/users/{account_id}")
    await tell_all(shop)
    await courier_of(shop).deliver_due()

    told = {taken.json()["type"]: taken.json()["data"] for taken in there.taken}
    assert told["user.created"]["email"] == email
    assert told["user.deleted"]["email"] is None
    assert told["user.deleted"]["actor_id"] == str(owner.id)
    for row in await deliveries(shop, endpoint):
        assert email not in str(row["payload"])


async def test_only_chosen_events_are_told_and_only_those_after_it_was_set_up(
    shop: World, owner: Person, there: Receiver
) -> None:
    await shop.registered()
    await subscribe(shop, owner, there.url(), event_types=["user.suspended"])
    person = await shop.person()
    await shop.send(owner, "PUT", f"/users/{person.id}/suspension", json={"reason": "quarrel"})

    await tell_all(shop)
    await courier_of(shop).deliver_due()

    assert [taken.json()["type"] for taken in there.taken] == ["user.suspended"]
    assert b"quarrel" not in there.taken[0].body


async def test_every_entry_is_told_once_however_many_look_at_once(
    shop: World, owner: Person, there: Receiver
) -> None:
    endpoint = await subscribe(shop, owner, there.url(), event_types=["user.created"])
    for _ in range(5):
        await shop.registered()

    await asyncio.gather(*(tell_new(database_of(shop)) for _ in range(8)))
    await tell_all(shop)

    assert len(await deliveries(shop, endpoint)) == 5


async def test_an_account_is_created_once_though_two_entries_say_so(
    shop: World, owner: Person, there: Receiver
) -> None:
    endpoint = await subscribe(shop, owner, there.url(), event_types=["user.created"])
    person = uuid4()
    async with database_of(shop).transaction() as session:
        for action in ("invitation.accepted", "account.registered"):
            await record(
                session,
                action=action,
                actor_id=None,
                subject_id=person,
                details={"by": "provider"},
                address=None,
            )

    await tell_all(shop)

    (row,) = await deliveries(shop, endpoint)
    assert orjson.loads(row["payload"])["data"]["by"] == "invitation"


async def test_couriers_side_by_side_send_each_delivery_once(
    shop: World, owner: Person, there: Receiver
) -> None:
    await subscribe(shop, owner, there.url(), event_types=["user.created"])
    for _ in range(6):
        await shop.registered()
    await tell_all(shop)

    await asyncio.gather(*(courier_of(shop).deliver_due() for _ in range(3)))

    ids = [taken.headers["webhook-id"] for taken in there.taken]
    assert len(ids) == len(set(ids)) == 6


async def test_a_failure_is_tried_again_under_the_same_id_further_and_further_apart(
    shop: World, owner: Person, there: Receiver
) -> None:
    there.statuses = [500, 503, 204]
    endpoint = await subscribe(shop, owner, there.url(), event_types=["user.created"])
    await shop.registered()
    await tell_all(shop)
    waits = []
    for _ in range(3):
        await courier_of(shop, rng=random.Random(1)).deliver_due()
        (row,) = await deliveries(shop, endpoint)
        if row["state"] == "waiting":
            waits.append((row["next_attempt_at"] - datetime.now(UTC)).total_seconds())
        await make_due(shop)

    assert (row["state"], row["attempts"]) == ("delivered", 3)
    assert 6 < waits[0] < 13
    assert 20 < waits[1] < 37
    assert len({taken.headers["webhook-id"] for taken in there.taken}) == 1
    assert len({taken.body for taken in there.taken}) == 1
    detail = (await shop.get(owner, f"/webhooks/{endpoint['id']}/deliveries/{row['id']}")).json()
    assert [attempt["status"] for attempt in detail["attempted"]] == [500, 503, 204]
    assert all(attempt["duration_ms"] >= 0 for attempt in detail["attempted"])


async def test_the_last_failure_gives_it_up_and_it_can_be_sent_again(
    shop: World, owner: Person, there: Receiver
) -> None:
    there.statuses = [500]
    endpoint = await subscribe(shop, owner, there.url(), event_types=["user.created"])
    await shop.registered()
    await tell_all(shop)
    await shop.sql.execute("UPDATE users.webhook_deliveries SET attempts = 9")
    await courier_of(shop).deliver_due()
    (row,) = await deliveries(shop, endpoint)
    assert (row["state"], row["attempts"], row["next_attempt_at"]) == ("failed", 10, None)

    there.statuses = [204]
    again = await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/deliveries/{row['id']}/redelivery")
    await courier_of(shop).deliver_due()

    assert again.status_code == 202
    assert (await deliveries(shop, endpoint))[0]["state"] == "delivered"
    assert len({taken.headers["webhook-id"] for taken in there.taken}) == 1


async def test_a_slow_receiver_holds_nobody_up(shop: World, owner: Person, there: Receiver) -> None:
    async with receiver() as slow:
        slow.open.clear()
        slow_endpoint = await subscribe(shop, owner, slow.url(), event_types=["user.created"])
        await subscribe(shop, owner, there.url(), event_types=["user.created"])
        for _ in range(12):
            await shop.registered()
        stop = asyncio.Event()
        running = asyncio.create_task(courier_of(shop, poll_s=0.05).run(stop))

        await there.arrival(12)

        assert 1 <= slow.connections <= 4, "it holds up no more than its own four"
        assert {row["state"] for row in await deliveries(shop, slow_endpoint)} == {"waiting"}
        slow.open.set()
        await slow.arrival(12)
        stop.set()
        await running
    assert {row["state"] for row in await deliveries(shop, slow_endpoint)} == {"delivered"}


async def test_what_a_dead_courier_was_sending_is_sent_by_another(
    shop: World, owner: Person, there: Receiver
) -> None:
    await subscribe(shop, owner, there.url(), event_types=["user.created"])
    await shop.registered()
    await tell_all(shop)
    async with database_of(shop).transaction() as session:
        claimed = await queries.claim_due(session, full=(), lease_s=60)
    await courier_of(shop).deliver_due()
    assert there.taken == [], "its lease has not ended"

    await make_due(shop)
    await courier_of(shop).deliver_due()

    assert len(claimed) == len(there.taken) == 1


async def test_a_receiver_that_is_gone_is_switched_off_at_once(
    shop: World, owner: Person, there: Receiver
) -> None:
    there.statuses = [410]
    endpoint = await subscribe(shop, owner, there.url(), event_types=["user.created"])
    for _ in range(6):
        await shop.registered()
    await tell_all(shop)

    await courier_of(shop).deliver_due()

    found = (await shop.get(owner, f"/webhooks/{endpoint['id']}")).json()
    assert (found["enabled"], found["disabled_because"]) == (False, "gone")
    assert {row["state"] for row in await deliveries(shop, endpoint)} == {"failed"}
    notices = [mail for mail in await shop.mails_to(owner.email) if mail["template"] == "webhook-disabled"]
    assert len(notices) == 1
    assert there.url() in notices[0]["text"]
    await shop.registered()
    await tell_all(shop)
    assert len(await deliveries(shop, endpoint)) == 6, "nothing more is put by for it"


@pytest.mark.parametrize(("days", "enabled"), [(4, True), (6, False)])
async def test_a_receiver_that_fails_for_days_is_switched_off_with_a_notice(
    shop: World, owner: Person, there: Receiver, days: int, enabled: bool
) -> None:
    there.statuses = [500]
    endpoint = await subscribe(shop, owner, there.url(), event_types=["user.created"])
    await shop.sql.execute(
        "UPDATE users.webhook_endpoints SET failing_since = now() - make_interval(days => $1)", days
    )
    await shop.registered()
    await tell_all(shop)

    await courier_of(shop).deliver_due()

    assert (await shop.get(owner, f"/webhooks/{endpoint['id']}")).json()["enabled"] is enabled
    mails = [mail["template"] for mail in await shop.mails_to(owner.email)]
    assert ("webhook-disabled" in mails) is not enabled


async def test_one_success_ends_a_row_of_failures(shop: World, owner: Person, there: Receiver) -> None:
    there.statuses = [500, 204]
    endpoint = await subscribe(shop, owner, there.url(), event_types=["user.created"])
    await shop.registered()
    await tell_all(shop)
    await courier_of(shop).deliver_due()
    failing = (await shop.get(owner, f"/webhooks/{endpoint['id']}")).json()["failing_since"]
    await make_due(shop)
    await courier_of(shop).deliver_due()

    found = (await shop.get(owner, f"/webhooks/{endpoint['id']}")).json()
    assert failing is not None
    assert (found["failing_since"], found["last_delivered_at"] is not None) == (None, True)


async def test_a_rotation_overlaps_with_two_signatures(shop: World, owner: Person, there: Receiver) -> None:
    endpoint = await subscribe(shop, owner, there.url())
    rotated = await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/secret", json={})
    await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")
    await courier_of(shop).deliver_due()
    await shop.sql.execute("UPDATE users.webhook_endpoints SET previous_until = now()")
    await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")
    await courier_of(shop).deliver_due()

    during, after = there.taken
    for secret in (endpoint["secret"], rotated.json()["secret"]):
        assert Webhook(secret).verify(during.body, during.headers)["type"] == "webhook.test"
    assert Webhook(rotated.json()["secret"]).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(after.body, after.headers)
    await go_round(database_of(shop))
    assert await shop.sql.fetchval(
        "SELECT bool_and(sealed_previous_secret IS NULL) FROM users.webhook_endpoints"
    )


async def test_a_redirect_to_this_machine_is_not_followed(
    shop: World, owner: Person, there: Receiver
) -> None:
    there.statuses, there.headers["Location"] = [307], "http://127.0.0.1:1/latest/meta-data"
    endpoint = await subscribe(shop, owner, there.url())
    await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")
    await courier_of(shop).deliver_due()

    (row,) = await deliveries(shop, endpoint)
    assert (row["state"], row["last_status"]) == ("waiting", 307)


async def test_a_host_that_resolves_to_this_machine_gets_nothing(world: World, there: Receiver) -> None:
    async def rebound(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    owner = await world.person("owner")
    url = f"https://hooks.example.org:{there.port}/"
    endpoint = await subscribe(world, owner, url)
    await world.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")
    await Courier(database_of(world), Sender(lookup=rebound)).deliver_due()

    (row,) = await deliveries(world, endpoint)
    assert (row["state"], row["last_status"], row["last_error"]) == ("waiting", None, "forbidden-address")
    assert there.connections == 0
    await world.sql.execute("DELETE FROM users.webhook_endpoints")


async def test_an_answer_without_end_costs_nothing(shop: World, owner: Person) -> None:
    async with receiver(statuses=[200], endless=True) as babbling:
        endpoint = await subscribe(shop, owner, babbling.url())
        await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")
        async with asyncio.timeout(10):
            await courier_of(shop).deliver_due()

    assert (await deliveries(shop, endpoint))[0]["state"] == "delivered"


async def test_the_log_is_kept_thirty_days(shop: World, owner: Person, there: Receiver) -> None:
    endpoint = await subscribe(shop, owner, there.url())
    for days in (29, 31):
        sent = (await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")).json()["id"]
        await shop.sql.execute(
            "UPDATE users.webhook_deliveries SET created_at = now() - make_interval(days => $1) WHERE id = $2",
            days,
            UUID(sent),
        )

    await go_round(database_of(shop))

    assert len(await deliveries(shop, endpoint)) == 1


async def test_the_worker_tells_of_what_a_request_did(shop: World, owner: Person, there: Receiver) -> None:
    await subscribe(shop, owner, there.url(), event_types=["user.created", "session.created"])
    worker = Worker(shop.app, poll_s=0.2)
    running = asyncio.create_task(worker.run())
    try:
        person = await shop.person()
        await until(lambda: len(there.taken) >= 2)
    finally:
        worker.stop.set()
        await running

    told = {taken.json()["type"]: taken.json()["data"] for taken in there.taken}
    assert told["user.created"]["user_id"] == told["session.created"]["user_id"] == str(person.id)
    assert told["session.created"]["method"] == "password"
    assert UUID(told["session.created"]["session_id"])


async def test_an_endpoint_can_be_deleted_while_an_attempt_is_noted(
    shop: World, owner: Person, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = await subscribe(shop, owner, there.url())
    await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")
    written, go_on = asyncio.Event(), asyncio.Event()
    note_outcome = queries.note_outcome

    async def note_and_wait(*args: Any, **values: Any) -> None:
        await note_outcome(*args, **values)
        written.set()
        await go_on.wait()

    monkeypatch.setattr(queries, "note_outcome", note_and_wait)
    noting = asyncio.create_task(courier_of(shop).deliver_due())
    await written.wait()
    deleting = asyncio.create_task(shop.send(owner, "DELETE", f"/webhooks/{endpoint['id']}"))

    async def somebody_waits() -> bool:
        return bool(
            await shop.sql.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )

    await until(somebody_waits)
    go_on.set()
    await noting

    assert (await deleting).status_code == 204
    assert await deliveries(shop, endpoint) == []


async def test_a_secret_sealed_elsewhere_is_a_failure_and_no_crash(
    shop: World, owner: Person, there: Receiver
) -> None:
    endpoint = await subscribe(shop, owner, there.url())
    await shop.sql.execute("UPDATE users.webhook_endpoints SET sealed_secret = repeat('x', 60)::bytea")
    await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")

    await courier_of(shop).deliver_due()

    assert (await deliveries(shop, endpoint))[0]["last_error"] == "secret-unreadable"
    assert there.taken == []


async def test_rule_48_secrets_of_webhooks_appear_in_no_log(
    shop: World,
    owner: Person,
    there: Receiver,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    there.statuses = [500, 410]
    endpoint = await subscribe(shop, owner, there.url("/hook?key=canary-of-the-receiver"))
    rotated = await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/secret", json={})
    for _ in range(2):
        await shop.send(owner, "POST", f"/webhooks/{endpoint['id']}/tests")
        await courier_of(shop).deliver_due()

    signatures = [taken.headers["webhook-signature"] for taken in there.taken]
    secrets = [endpoint["secret"], rotated.json()["secret"], "canary-of-the-receiver", *signatures]
    logged = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    logged += "".join(capfd.readouterr())
    assert "webhook_attempted" in logged
    assert [secret for secret in secrets if secret in logged] == []
    entries = await shop.sql.fetch("SELECT row_to_json(a)::text AS entry FROM users.audit_log a")
    assert [secret for secret in secrets if any(secret in row["entry"] for row in entries)] == []
