"""Owners and admins without a second factor: what is left to them is adding one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from factors_world import (
    add_app,
    add_passkey,
    browser_sign_in,
    challenge_of,
    code_of,
    second_step,
    with_session_token,
    with_tokens,
)
from soft_authenticator import SoftAuthenticator
from users_world import World
from vitrine_users.settings import UsersSettings


@pytest_asyncio.fixture
async def strict(make_world: Any) -> AsyncIterator[World]:
    async with make_world(require_factor=True) as world:
        yield world


def test_the_requirement_is_on_by_default() -> None:
    assert UsersSettings.model_validate({"secret_key": "s" * 32}).require_factor is True


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_rule_20_without_a_second_proof_they_hold_no_permission(strict: World, role: str) -> None:
    person = await strict.person(role)
    verifier = strict.app.extensions["vitrine_auth"].tokens

    assert (await verifier.verify(person.tokens["access_token"])).permissions == frozenset()
    assert (await strict.get(person, "/users")).status_code == 403
    assert (await strict.get(person, "/me")).status_code == 200
    factors = (await strict.get(person, "/me/factors")).json()
    assert factors["required"] is True
    begun = (await browser_sign_in(strict, person)).json()
    assert begun["user"]["permissions"] == []
    exchanged = (await strict.exchange(begun["session"])).json()
    assert exchanged["factor_missing"] is True
    assert exchanged["user"]["permissions"] == []
    assert exchanged["user"]["roles"] == [role]


async def test_adding_a_factor_gives_them_their_rights_at_once(strict: World) -> None:
    person = await strict.person("owner")
    begun = (await browser_sign_in(strict, person)).json()
    acting = with_session_token(person, await strict.exchange(begun["session"]))
    await add_app(strict, acting)

    exchanged = await strict.exchange(begun["session"])

    assert exchanged.json()["factor_missing"] is False
    assert (await strict.get(with_session_token(person, exchanged), "/users")).status_code == 200


async def test_two_proofs_give_an_owner_every_right_and_one_gives_none(strict: World) -> None:
    person = await strict.person("owner")
    secret = await add_app(strict, person)
    answer = await second_step(strict, await challenge_of(strict, person), "totp", code=code_of(secret))

    assert (await strict.get(with_tokens(person, answer.json()), "/users")).status_code == 200
    refreshed = await strict.refresh(answer.json()["refresh_token"])
    assert (await strict.get(with_tokens(person, refreshed.json()), "/users")).status_code == 200
    await strict.sql.execute(
        "UPDATE users.refresh_families SET assurance = 1 WHERE account_id = $1", person.id
    )
    assert (await strict.get(with_tokens(person, refreshed.json()), "/users")).status_code == 403


@pytest.mark.parametrize("role", ["editor", "viewer"])
async def test_others_need_none(strict: World, role: str) -> None:
    person = await strict.person(role)

    begun = (await browser_sign_in(strict, person)).json()

    assert begun["user"]["permissions"] != []


async def test_rule_20_a_sign_in_by_link_stays_at_one_proof_until_a_real_one_comes(strict: World) -> None:
    person = await strict.person("owner")
    await strict.sql.execute(
        "UPDATE users.refresh_families SET method = 'link' WHERE account_id = $1", person.id
    )
    await add_app(strict, person)
    assert (await strict.get(person, "/users")).status_code == 403

    await strict.sql.execute(
        "DELETE FROM users.totp_factors WHERE account_id = $1",
        person.id,
    )
    await add_passkey(strict, person, SoftAuthenticator())

    assert (await strict.get(person, "/users")).status_code == 403


async def test_where_it_is_off_a_password_is_enough(make_world: Any) -> None:
    async with make_world(require_factor=False) as world:
        person = await world.person("owner")

        assert (await world.get(person, "/users")).status_code == 200
