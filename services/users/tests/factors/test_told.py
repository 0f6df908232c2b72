"""What is told of changes to factors: an audit entry with who, from where and what, and a mail that names it."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factors_world import (
    add_app,
    add_codes,
    add_passkey,
    challenge_of,
    code_of,
    second_step,
    wrong_code,
)
from soft_authenticator import SoftAuthenticator
from users_world import Person, World
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_users.accounts.errors import TooManyFailures
from vitrine_users.factors import service, signin
from vitrine_users.factors.errors import (
    CodesExhausted,
    CodesNeedFactor,
    NoSuchFactor,
    SignInEnded,
    StepUpRequired,
    WrongCode,
)
from vitrine_users.factors.stepup import require_recent_sign_in


async def entries(world: World, person: Person, action: str) -> list[tuple[Any, ...]]:
    """Who did this to the person's account, from where, with what outcome and details."""
    rows = await world.sql.fetch(
        "SELECT actor_id, address, outcome, details FROM users.audit_log"
        " WHERE subject_id = $1 AND action = $2 ORDER BY position",
        person.id,
        action,
    )
    return [(row["actor_id"], row["address"], row["outcome"], json.loads(row["details"])) for row in rows]


async def last_mail(world: World, person: Person) -> str:
    text: str = (await world.mails_to(person.email))[-1]["text"]
    return text


def database_of(world: World) -> Database:
    found: Database = world.app.extensions["vitrine"].database
    return found


async def test_an_app_that_comes_and_goes_is_told(world: World) -> None:
    person = await world.person()
    await add_app(world, person)

    assert await entries(world, person, "factor.added") == [
        (person.id, person.address, "success", {"kind": "totp"})
    ]
    added = await last_mail(world, person)
    assert "authenticator app" in added
    assert "“" not in added, "an app has no name"

    await world.send(person, "DELETE", "/me/totp")

    assert await entries(world, person, "factor.removed") == [
        (person.id, person.address, "success", {"kind": "totp"})
    ]
    removed = await last_mail(world, person)
    assert "An authenticator app can no longer be used" in removed


async def test_recovery_codes_made_and_used_are_told(world: World) -> None:
    person = await world.person()
    await add_app(world, person)
    codes = await add_codes(world, person)

    assert await entries(world, person, "recovery_codes.issued") == [
        (person.id, person.address, "success", {})
    ]
    assert "new recovery codes were made" in await last_mail(world, person)

    done = await second_step(world, await challenge_of(world, person), "recovery_code", code=codes[0])

    assert done.status_code == 201
    [(actor, address, outcome, details)] = await entries(world, person, "recovery_codes.used")
    assert (actor, outcome, details) == (person.id, "success", {"left": 9})
    used = await last_mail(world, person)
    assert "Codes left: 9." in used
    assert f"with a recovery code from {address}" in used


async def test_codes_stay_as_long_as_there_is_a_factor_they_stand_in_for(world: World) -> None:
    person = await world.person()
    passkey = await add_passkey(world, person, SoftAuthenticator())
    await add_app(world, person)
    await add_codes(world, person)

    await world.send(person, "DELETE", "/me/totp")
    assert (await world.get(person, "/me/factors")).json()["recovery_codes"] == 10
    await add_app(world, person)
    assert (await world.send(person, "DELETE", f"/me/passkeys/{passkey}")).status_code == 204
    assert (await world.get(person, "/me/factors")).json()["recovery_codes"] == 10
    await world.send(person, "DELETE", "/me/totp")
    assert (await world.get(person, "/me/factors")).json()["recovery_codes"] == 0


async def test_codes_stand_in_for_a_passkey_alone_and_for_nothing_at_all_there_are_none(world: World) -> None:
    person, keys = await world.person(), world.app.extensions["vitrine_users"].factor_keys
    async with database_of(world).transaction() as session:
        with pytest.raises(CodesNeedFactor):
            await service.issue_codes(session, keys, person.id, address="tests")
    await add_passkey(world, person, SoftAuthenticator())

    assert len(await add_codes(world, person)) == 10


async def test_an_app_is_confirmed_once_and_only_where_one_waits(world: World) -> None:
    person, keys = await world.person(), world.app.extensions["vitrine_users"].factor_keys
    async with database_of(world).transaction() as session:
        with pytest.raises(NoSuchFactor):
            await service.confirm_totp(session, keys, person.id, "000000", address="tests")
        with pytest.raises(NoSuchFactor):
            await service.remove_totp(session, person.id, address="tests")
    with pytest.raises(WrongCode):
        await service.check_totp(database_of(world), keys, person.id, "000000")


@pytest.mark.parametrize("age_s", [0, 290])
async def test_rule_30_a_browsers_proof_is_good_for_five_minutes(world: World, age_s: int) -> None:
    person = await world.person()
    with world.app.app_context():
        await require_recent_sign_in(person.id, datetime.now(UTC) - timedelta(seconds=age_s))


async def test_rule_30_an_older_proof_of_a_browser_is_asked_for_again_where_there_is_one_to_give(
    world: World,
) -> None:
    person, proved_at = await world.person(), datetime.now(UTC) - timedelta(seconds=301)
    with world.app.app_context():
        with pytest.raises(StepUpRequired) as caught:
            await require_recent_sign_in(person.id, proved_at)
        assert caught.value.extensions["methods"] == ["password"]
        await world.sql.execute("UPDATE users.accounts SET password_hash = NULL WHERE id = $1", person.id)
        await require_recent_sign_in(person.id, proved_at)


async def test_rule_16_a_second_proof_is_waited_for_for_ten_minutes(world: World) -> None:
    person = await world.person()
    async with database_of(world).transaction() as session:
        pending = await signin.begin_pending(
            session, person.id, channel="api", proved="password", methods=("totp",)
        )

    assert pending.methods == ["totp"]
    assert 590 <= pending.expires_in <= 600
    assert 590 < (pending.expires_at - datetime.now(UTC)).total_seconds() <= 600
    over = signin.Pending(pending.challenge, pending.methods, datetime.now(UTC) - timedelta(seconds=9))
    assert over.expires_in == 0
    waiting = await signin.find_waiting(database_of(world), pending.challenge, "api")
    assert (waiting.account_id, waiting.proved, waiting.methods) == (person.id, "password", [])
    for challenge, channel in ((pending.challenge, "browser"), (pending.challenge + "x", "api")):
        with pytest.raises(SignInEnded):
            await signin.find_waiting(database_of(world), challenge, channel)  # type: ignore[arg-type]


async def test_a_sign_in_begun_with_a_passkey_waits_for_the_password(world: World) -> None:
    person = await world.person()
    async with database_of(world).transaction() as session:
        pending = await signin.begin_pending(
            session, person.id, channel="browser", proved="passkey", methods=["password"]
        )

    waiting = await signin.find_waiting(database_of(world), pending.challenge, "browser")

    assert (waiting.proved, waiting.methods) == ("passkey", ["password"])


async def test_tries_at_recovery_codes_are_counted_by_account_and_address(make_world: Any) -> None:
    async with make_world(sign_in_burst=1, sign_in_wait_s=600) as world:
        guesses, first, second = world.app.extensions["vitrine_users"].guesses, new_id(), new_id()
        await service.count_recovery_try(guesses, first, "192.0.2.9")
        with pytest.raises(TooManyFailures):
            await service.count_recovery_try(guesses, first, "192.0.2.9")
        await service.count_recovery_try(guesses, second, "192.0.2.9")
        await service.count_recovery_try(guesses, first, "192.0.2.10")


async def test_rule_9_wrong_codes_have_to_wait_unless_somebody_is_exempt(world: World) -> None:
    person, keys = await world.person(), world.app.extensions["vitrine_users"].factor_keys
    secret = await add_app(world, person)

    async def wrong(**options: Any) -> None:
        await service.check_totp(database_of(world), keys, person.id, wrong_code(secret), **options)

    with pytest.raises(CodesExhausted) as caught:
        for _ in range(20):
            with contextlib.suppress(WrongCode):
                await wrong()
    assert int(caught.value.headers["Retry-After"]) > 0
    with pytest.raises(WrongCode):
        await wrong(exempt=True)


async def test_a_sign_in_with_two_proofs_is_noted_as_the_accounts_last(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    challenge = await challenge_of(world, person)
    await world.sql.execute("UPDATE users.accounts SET last_signed_in_at = NULL WHERE id = $1", person.id)

    assert (await second_step(world, challenge, "totp", code=code_of(secret))).status_code == 201

    noted = await world.sql.fetchval("SELECT last_signed_in_at FROM users.accounts WHERE id = $1", person.id)
    assert noted is not None


async def test_rule_21_the_code_that_confirmed_an_app_is_used_up(world: World) -> None:
    person = await world.person()
    secret = (await world.send(person, "POST", "/me/totp")).json()["secret"]
    code = code_of(secret)
    assert (await world.send(person, "POST", "/me/totp/confirm", json={"code": code})).status_code == 204

    answer = await second_step(world, await challenge_of(world, person), "totp", code=code)

    assert answer.status_code == 422
