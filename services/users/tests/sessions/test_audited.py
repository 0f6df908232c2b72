"""What the audit log keeps of sign-ins: who began and ended which, how, from where, and how long each may last."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from applications_world import registered, session_of
from audited import DAY_S, FROM, done, entry, last_entry, left_s
from users_world import Person, World
from vitrine_users.sessions import service as sessions
from vitrine_users.sessions.errors import LinkUsedUp, SessionEnded
from vitrine_users.tokens import service as tokens
from vitrine_users.tokens.errors import RefreshRefused
from vitrine_users.tokens.refresh import RefreshTokens


def refresh_of(world: World) -> RefreshTokens:
    found: RefreshTokens = world.app.extensions["vitrine_users"].refresh
    return found


def row_of(person: Person) -> dict[str, Any]:
    """As much of the account's row as matters to a sign-in that begins."""
    return {"id": person.id, "suspended_at": None}


async def begin(world: World, person: Person, **changes: Any) -> sessions.Begun:
    options: dict[str, Any] = {
        "method": "password",
        "ttl_s": 30 * DAY_S,
        "user_agent": "tests",
        "address": FROM,
    }
    begun: sessions.Begun = await done(
        world, lambda session: sessions.begin(session, row_of(person), **{**options, **changes})
    )
    return begun


@pytest.mark.parametrize(
    ("changes", "by_owner", "assurance", "lasts_s"),
    [
        ({}, True, 1, 30 * DAY_S),
        ({"assurance": 2}, True, 2, DAY_S),
        ({"assurance": 2, "ttl_s": 60}, True, 2, 60),
        ({"method": "operator"}, False, 1, 30 * DAY_S),
    ],
)
async def test_a_session_that_begins(
    world: World, changes: dict[str, Any], by_owner: bool, assurance: int, lasts_s: int
) -> None:
    person = await world.person()
    begun = await begin(world, person, **changes)

    details = {
        "session_id": str(begun.session_id), "by": changes.get("method", "password"), "assurance": assurance,
    }  # fmt: skip
    assert await last_entry(world, person) == entry("session.begun", person.id if by_owner else None, details)
    assert lasts_s - 10 < left_s(begun.expires_at) <= lasts_s
    row = await world.sql.fetchrow("SELECT * FROM users.browser_sessions WHERE id = $1", begun.session_id)
    assert (row["user_agent"], row["address"], row["assurance"]) == ("tests", FROM, assurance)


async def test_a_session_that_is_proved_anew(world: World) -> None:
    person = await world.person()
    begun = await begin(world, person)
    raised = await done(
        world,
        lambda session: sessions.renew(session, begun.secret, method="passkey", assurance=2, restart=True),
    )

    assert raised.session_id != begun.session_id
    assert DAY_S - 10 < left_s(raised.expires_at) <= DAY_S
    row = await world.sql.fetchrow("SELECT * FROM users.browser_sessions WHERE id = $1", raised.session_id)
    assert (row["method"], row["assurance"]) == ("passkey", 2)
    again = await done(
        world, lambda session: sessions.renew(session, raised.secret, method="passkey", assurance=2)
    )
    assert again.expires_at == raised.expires_at
    lower = await done(
        world,
        lambda session: sessions.renew(session, again.secret, method="password", assurance=1, restart=True),
    )
    assert lower.expires_at == raised.expires_at, "only two factors bring another day"
    for worthless in (begun.secret, raised.secret, again.secret):
        with pytest.raises(SessionEnded):
            await done(
                world, lambda session, old=worthless: sessions.renew(session, old, method="x", assurance=1)
            )


async def test_a_renewal_keeps_the_time_of_the_proof_unless_there_was_one(world: World) -> None:
    person = await world.person()
    begun = await begin(world, person)
    await world.sql.execute(
        "UPDATE users.browser_sessions SET authenticated_at = authenticated_at - interval '1 hour' WHERE id = $1",
        begun.session_id,
    )
    for proved_now, aged in ((False, True), (True, False)):
        begun = await done(
            world,
            lambda session, secret=begun.secret, now=proved_now: sessions.renew(
                session, secret, method="password", assurance=1, **({} if now else {"proved_now": False})
            ),
        )
        old = await world.sql.fetchval(
            "SELECT authenticated_at < now() - interval '30 minutes' FROM users.browser_sessions WHERE id = $1",
            begun.session_id,
        )
        assert old is aged


async def test_a_session_that_is_signed_out(world: World) -> None:
    person = await world.person()
    begun = await begin(world, person)
    await done(world, lambda session: sessions.end(session, begun.secret, address=FROM))

    ended = entry("session.ended", person.id, {"session_id": str(begun.session_id), "by": "browser"})
    assert await last_entry(world, person) == ended
    await done(world, lambda session: sessions.end(session, begun.secret, address="192.0.2.1"))
    assert await last_entry(world, person) == ended, "what has ended is not ended again"


async def test_all_other_sign_ins_that_are_ended(world: World, owner: Person) -> None:
    person = await world.person()
    kept = await begin(world, person)
    await done(world, lambda session: sessions.end_others(session, person.id, kept.session_id, address=FROM))
    assert await last_entry(world, person) == entry(
        "session.others_ended", person.id, {"kept": str(kept.session_id)}
    )
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401
    assert (await world.exchange(kept.secret)).status_code == 200

    await done(
        world,
        lambda session: sessions.end_others(session, person.id, None, actor_id=owner.id, address=FROM),
    )
    assert await last_entry(world, person) == entry("session.others_ended", owner.id, {"kept": None})
    assert (await world.exchange(kept.secret)).status_code == 401


async def test_a_link_that_signs_in(world: World) -> None:
    person = await world.person()
    link = await done(world, lambda session: sessions.make_link(session, person.id, ttl_s=90))

    found = await last_entry(world, person)
    assert found == entry("session.link_made", None, found["details"], address=None)
    assert datetime.fromisoformat(found["details"]["expires_at"]) == link.expires_at
    assert 80 < left_s(link.expires_at) <= 90
    await world.sql.execute("UPDATE users.accounts SET last_signed_in_at = NULL WHERE id = $1", person.id)
    assert (await done(world, lambda session: sessions.redeem_link(session, link.secret)))["id"] == person.id
    noted = "SELECT last_signed_in_at IS NOT NULL FROM users.accounts WHERE id = $1"
    assert await world.sql.fetchval(noted, person.id)
    with pytest.raises(LinkUsedUp):
        await done(world, lambda session: sessions.redeem_link(session, link.secret))


@pytest.mark.parametrize(
    ("changes", "assurance", "lasts_s"),
    [
        ({}, 1, 30 * DAY_S),
        ({"assurance": 2}, 2, DAY_S),
        ({"assurance": 2, "ttl_s": 60, "method": "passkey"}, 2, 60),
    ],
)
async def test_a_sign_in_by_api(world: World, changes: dict[str, Any], assurance: int, lasts_s: int) -> None:
    person, refresh = await world.person(), refresh_of(world)
    options = {"ttl_s": 30 * DAY_S, "user_agent": "tests", "address": FROM, **changes}
    begun = await done(
        world, lambda session: tokens.start_family(session, refresh, row_of(person), **options)
    )

    family = str(begun.family_id)
    details = {
        "session_id": family, "by": changes.get("method", "password"), "assurance": assurance, "api": True,
    }  # fmt: skip
    assert await last_entry(world, person) == entry("session.begun", person.id, details)
    assert (begun.account_id, begun.assurance) == (person.id, assurance)
    assert lasts_s - 10 < left_s(begun.expires_at) <= lasts_s

    database = world.app.extensions["vitrine"].database
    token, secret = await tokens.prove(database, refresh, begun.token)
    assert token.generation == 0
    used = await done(
        world, lambda session: tokens.use(session, refresh, token, secret, grace_s=0, address=FROM)
    )
    assert used == tokens.Refreshed(
        begun.family_id, person.id, used.token, begun.expires_at, begun.authenticated_at, assurance
    )
    assert await last_entry(world, person) == entry(
        "session.refreshed", person.id, {"session_id": family, "generation": 0}
    )
    successor, _ = await tokens.prove(database, refresh, used.token)
    assert successor.generation == 1

    reused = await done(
        world, lambda session: tokens.use(session, refresh, token, secret, grace_s=0, address=FROM)
    )
    assert reused is None
    assert await last_entry(world, person) == entry(
        "session.refresh_reused", None, {"session_id": family, "generation": 0}, outcome="refused"
    )
    with pytest.raises(RefreshRefused):
        await tokens.prove(database, refresh, used.token)
    for worthless in ("", refresh.token(begun.family_id, b"s" * 32, 0)):
        with pytest.raises(RefreshRefused):
            await tokens.prove(database, refresh, worthless)


async def test_a_sign_in_by_api_that_is_ended(world: World) -> None:
    person, refresh = await world.person(), refresh_of(world)
    begun = await done(
        world,
        lambda session: tokens.start_family(
            session, refresh, row_of(person), ttl_s=60, user_agent="tests", address=FROM
        ),
    )
    for address in (FROM, "192.0.2.1"):
        await done(
            world,
            lambda session, address=address: tokens.end_family(session, begun.family_id, address=address),
        )
        assert await last_entry(world, person) == entry(
            "session.ended", person.id, {"session_id": str(begun.family_id), "by": "api"}
        )


async def test_a_sign_in_by_api_that_is_kept_goes_on(world: World) -> None:
    person, refresh = await world.person(), refresh_of(world)
    begun = await done(
        world,
        lambda session: tokens.start_family(
            session, refresh, row_of(person), ttl_s=60, user_agent="tests", address=FROM
        ),
    )
    await done(world, lambda session: sessions.end_others(session, person.id, begun.family_id))

    assert (await world.refresh(begun.token)).status_code == 201
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401


async def test_a_sign_in_by_api_whose_answer_was_lost(world: World) -> None:
    person, refresh = await world.person(), refresh_of(world)
    begun = await done(
        world,
        lambda session: tokens.start_family(
            session, refresh, row_of(person), ttl_s=60, user_agent="tests", address=FROM
        ),
    )
    token, secret = await tokens.prove(world.app.extensions["vitrine"].database, refresh, begun.token)
    used, again = [
        await done(
            world, lambda session: tokens.use(session, refresh, token, secret, grace_s=60, address=FROM)
        )
        for _ in range(2)
    ]

    assert used == again
    assert await last_entry(world, person) == entry(
        "session.refreshed", person.id, {"session_id": str(begun.family_id), "generation": 0}
    )


async def test_what_ends_without_an_address_is_kept_without_one(world: World) -> None:
    person, refresh = await world.person(), refresh_of(world)
    database = world.app.extensions["vitrine"].database
    token, secret = await tokens.prove(database, refresh, person.tokens["refresh_token"])
    begun = await begin(world, person)
    for step in (
        lambda session: tokens.use(session, refresh, token, secret, grace_s=0),
        lambda session: tokens.end_family(session, token.family_id),
        lambda session: sessions.end(session, begun.secret),
        lambda session: sessions.end_others(session, person.id, None),
    ):
        await done(world, step)
        assert (await last_entry(world, person))["address"] is None


async def test_a_sign_in_to_an_application_ends_with_the_others(world: World) -> None:
    person, program = await world.person(), await registered(world, await world.person("owner"))
    granted = await program.tokens(await session_of(world, person))
    assert (await program.userinfo(granted["access_token"])).status_code == 200

    await done(world, lambda session: sessions.end_others(session, person.id, None))

    assert (await program.userinfo(granted["access_token"])).status_code == 401


async def test_a_sign_in_by_api_with_a_password_alone(world: World) -> None:
    person = await world.person()
    family = await world.sql.fetchval(
        "SELECT id FROM users.refresh_families WHERE account_id = $1", person.id
    )

    details = {"session_id": str(family), "by": "password", "assurance": 1, "api": True}
    begun = entry("session.begun", person.id, details, address=person.address)
    assert await last_entry(world, person) == begun
    assert (await world.sign_in(person.email)).status_code == 201, "the password is what it was"
