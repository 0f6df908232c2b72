"""Refresh tokens: rotation, the lost answer, reuse, parallel use, and the end of a sign-in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from users_world import API, Person, World

MakeWorld = Callable[..., Any]


async def let_pass(world: World, person: Person, seconds: int) -> None:
    """Makes the last uses of the person's refresh tokens this much older."""
    await world.sql.execute(
        "UPDATE users.refresh_families SET rotated_at = ARRAY(SELECT t - make_interval(secs => $2)"
        " FROM unnest(rotated_at) WITH ORDINALITY AS u(t, n) ORDER BY n) WHERE account_id = $1",
        person.id,
        seconds,
    )


async def families(world: World, person: Person) -> int:
    found: int = await world.sql.fetchval(
        "SELECT count(*) FROM users.refresh_families WHERE account_id = $1", person.id
    )
    return found


async def test_a_refresh_token_brings_a_new_pair_and_a_new_chance(world: World) -> None:
    person = await world.person("viewer")

    first = await world.refresh(person.tokens["refresh_token"])
    second = await world.refresh(first.json()["refresh_token"])

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.headers["Cache-Control"] == "no-store"
    tokens = {person.tokens["refresh_token"], first.json()["refresh_token"], second.json()["refresh_token"]}
    assert len(tokens) == 3
    headers = {"Authorization": f"Bearer {second.json()['access_token']}"}
    me = await world.client.get(f"{API}/me", headers=headers)
    assert me.json()["id"] == str(person.id)
    assert second.json()["refresh_expires_in"] <= person.tokens["refresh_expires_in"]


async def test_a_refreshed_token_has_the_roles_of_now(world: World) -> None:
    person = await world.person()
    await world.give(person.id, "viewer")

    tokens = (await world.refresh(person.tokens["refresh_token"])).json()

    me = await world.client.get(f"{API}/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert me.json()["roles"] == ["viewer"]


async def test_rule_40_a_lost_answer_may_be_asked_for_again_within_ten_seconds(world: World) -> None:
    person = await world.person()
    first = await world.refresh(person.tokens["refresh_token"])
    await let_pass(world, person, 9)

    again = await world.refresh(person.tokens["refresh_token"])

    assert again.status_code == 201
    assert again.json()["refresh_token"] == first.json()["refresh_token"]


async def test_rule_40_a_slow_tab_is_not_signed_out_by_a_quick_one(world: World) -> None:
    person = await world.person()
    first = (await world.refresh(person.tokens["refresh_token"])).json()
    second = (await world.refresh(first["refresh_token"])).json()

    slow = await world.refresh(person.tokens["refresh_token"])

    assert slow.json()["refresh_token"] == first["refresh_token"]
    assert (await world.refresh(first["refresh_token"])).json()["refresh_token"] == second["refresh_token"]


async def test_rule_40_using_a_token_again_later_ends_the_whole_family(world: World) -> None:
    person = await world.person()
    successor = (await world.refresh(person.tokens["refresh_token"])).json()
    await let_pass(world, person, 11)

    reused = await world.refresh(person.tokens["refresh_token"])

    assert reused.status_code == 401
    assert (await world.refresh(successor["refresh_token"])).status_code == 401
    assert (await world.get(person, "/me")).status_code == 401
    assert await families(world, person) == 0


async def test_reuse_in_one_sign_in_leaves_the_others_alone(world: World) -> None:
    person = await world.person()
    other = (await world.sign_in(person.email)).json()
    await world.refresh(person.tokens["refresh_token"])
    await let_pass(world, person, 11)
    await world.refresh(person.tokens["refresh_token"])

    assert (await world.refresh(other["refresh_token"])).status_code == 201


async def test_rule_40_of_fifty_tabs_at_once_one_rotates_and_all_get_the_same_successor(world: World) -> None:
    person = await world.person()

    answers = await asyncio.gather(*(world.refresh(person.tokens["refresh_token"]) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert (
        await world.sql.fetchval(
            "SELECT generation FROM users.refresh_families WHERE account_id = $1", person.id
        )
        == 1
    )


async def test_rule_46_without_grace_exactly_one_of_fifty_uses_wins(make_world: MakeWorld) -> None:
    async with make_world(refresh_grace_s=0) as world:
        person = await world.person()
        answers = await asyncio.gather(*(world.refresh(person.tokens["refresh_token"]) for _ in range(50)))

        assert sorted(answer.status_code for answer in answers) == [201] + [401] * 49
        assert await families(world, person) == 0


async def test_rule_40_a_sign_in_ends_though_it_is_refreshed(world: World) -> None:
    person = await world.person()
    await world.sql.execute(
        "UPDATE users.refresh_families SET expires_at = now() WHERE account_id = $1", person.id
    )

    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401
    assert (await world.get(person, "/me")).status_code == 401


async def test_a_sign_in_that_ends_just_then_is_not_refreshed(make_world: MakeWorld, world: World) -> None:
    """Between the proof of the token and its use the family may end."""
    from vitrine_users.tokens import service

    person = await world.person()
    users, database = world.app.extensions["vitrine_users"], world.app.extensions["vitrine"].database
    token, secret = await service.prove(database, users.refresh, person.tokens["refresh_token"])
    await world.sql.execute("DELETE FROM users.refresh_families WHERE account_id = $1", person.id)

    async with database.transaction() as session:
        assert await service.use(session, users.refresh, token, secret, grace_s=10) is None


async def test_many_rotations_keep_only_a_few_times(world: World) -> None:
    person = await world.person()
    token = person.tokens["refresh_token"]
    for _ in range(20):
        token = (await world.refresh(token)).json()["refresh_token"]

    kept = await world.sql.fetchval(
        "SELECT cardinality(rotated_at) FROM users.refresh_families WHERE account_id = $1", person.id
    )
    assert kept == 16


async def test_signing_out_ends_refresh_and_access_tokens_at_once(world: World) -> None:
    person = await world.person()

    answer = await world.client.post(
        f"{API}/tokens/revoke", json={"refresh_token": person.tokens["refresh_token"]}
    )

    assert answer.status_code == 204
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401
    assert (await world.get(person, "/me")).status_code == 401


@pytest.mark.parametrize("token", ["nonsense", "vr_", "vr_" + "A" * 70])
async def test_signing_out_with_a_worthless_token_is_answered_alike(world: World, token: str) -> None:
    answer = await world.client.post(f"{API}/tokens/revoke", json={"refresh_token": token})

    assert answer.status_code == 204


async def test_a_token_with_a_changed_generation_or_tag_is_refused_and_harms_nobody(world: World) -> None:
    person = await world.person()
    token = person.tokens["refresh_token"]
    for position in (3, 12, 28, 40, 60, len(token) - 2):
        changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        assert (await world.refresh(changed)).status_code == 401

    assert (await world.refresh(token)).status_code == 201


async def test_an_access_token_is_no_refresh_token_nor_the_other_way_round(world: World) -> None:
    person = await world.person()

    refused = await world.client.get(
        f"{API}/me", headers={"Authorization": f"Bearer {person.tokens['refresh_token']}"}
    )

    assert refused.status_code == 401
    assert (await world.refresh(person.tokens["access_token"][:256])).status_code == 401


async def test_a_stolen_table_holds_no_token(world: World) -> None:
    person = await world.person()

    rows = await world.sql.fetch("SELECT f::text AS row FROM users.refresh_families f")

    assert not any(person.tokens["refresh_token"][-40:] in row["row"] for row in rows)
