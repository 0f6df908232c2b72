"""Sign-ins that wait for a second proof: by what they may go on, how often it is tried, and what finishes them."""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID

import pytest
from factors_world import add_app, add_passkey, code_of, wrong_code
from soft_authenticator import SoftAuthenticator
from users_world import World
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_users.devices.service import KnownDevice, remember
from vitrine_users.factors import signin
from vitrine_users.factors.errors import CodesExhausted, MethodNotOffered, SignInEnded, WrongCode
from vitrine_users.factors.proofs import Given, Prover
from vitrine_users.passkeys import service as passkeys
from vitrine_users.settings import UsersSettings


def database_of(world: World) -> Database:
    found: Database = world.app.extensions["vitrine"].database
    return found


def settings_of(world: World, **changes: Any) -> UsersSettings:
    settings: UsersSettings = world.app.extensions["vitrine_users"].settings
    return settings.model_copy(update=changes)


def prover_of(world: World) -> Prover:
    users = world.app.extensions["vitrine_users"]
    return Prover(database_of(world), users.hasher, users.guesses, users.factor_keys, users.relying_party)


async def begin(world: World, account_id: UUID, proved: str = "password") -> str:
    """The challenge of a sign-in by API that waits."""
    async with database_of(world).transaction() as session:
        pending = await signin.begin_pending(
            session, account_id, channel="api", proved=proved, methods=["totp"]
        )
    return pending.challenge


async def prove(world: World, challenge: str, given: Given, **options: Any) -> signin.Second:
    return await signin.prove_second(prover_of(world), challenge, "api", given, **options)


async def use(world: World, second: signin.Second) -> Any:
    async with database_of(world).transaction() as session:
        return await second.use(session)


async def test_both_proofs_bring_the_account_and_its_full_assurance_once(world: World) -> None:
    person = await world.person(name="Bea Both")
    secret = await add_app(world, person)
    challenge = await begin(world, person.id)
    second = await prove(world, challenge, Given("totp", code=code_of(secret)))
    await world.sql.execute("UPDATE users.accounts SET last_signed_in_at = NULL WHERE id = $1", person.id)

    account = await use(world, second)

    assert second.assurance == 2
    assert (account["id"], account["name"]) == (person.id, "Bea Both")
    assert await world.sql.fetchval(
        "SELECT last_signed_in_at IS NOT NULL FROM users.accounts WHERE id = $1", person.id
    )
    with pytest.raises(SignInEnded):
        await use(world, second)


async def test_a_code_that_was_used_in_the_meantime_finishes_nothing(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    given = Given("totp", code=code_of(secret))
    first = await prove(world, await begin(world, person.id), given)
    second = await prove(world, await begin(world, person.id), given)
    await use(world, first)

    with pytest.raises(WrongCode):
        await use(world, second)


async def test_a_proof_of_a_kind_that_is_not_offered_is_not_even_tried(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    challenge = await begin(world, person.id)
    for _ in range(6):
        with pytest.raises(MethodNotOffered):
            await prove(world, challenge, Given("password", password=person.password))

    assert (await prove(world, challenge, Given("totp", code=code_of(secret)))).assurance == 2


async def test_rule_16_a_sign_in_takes_five_tries_of_its_own(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    challenge, other = await begin(world, person.id), await begin(world, person.id)
    for _ in range(5):
        with contextlib.suppress(WrongCode, CodesExhausted):
            await prove(world, challenge, Given("totp", code=wrong_code(secret)))
    await world.sql.execute(
        "UPDATE users.totp_factors SET failures = 0, retry_at = NULL WHERE account_id = $1", person.id
    )

    with pytest.raises(SignInEnded):
        await prove(world, challenge, Given("totp", code=code_of(secret)))
    assert (await prove(world, other, Given("totp", code=code_of(secret)))).waiting.account_id == person.id


async def test_rule_10_a_known_device_need_not_wait_for_what_others_spoiled(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    await world.sql.execute(
        "UPDATE users.totp_factors SET failures = 50, retry_at = now() + interval '1 hour'"
        " WHERE account_id = $1",
        person.id,
    )
    async with database_of(world).transaction() as session:
        known = await remember(session, person.id, None, trust=False, user_agent="tests", address="192.0.2.1")
    challenge, given = await begin(world, person.id), Given("totp", code=code_of(secret))

    with pytest.raises(CodesExhausted):
        await prove(world, challenge, given)
    assert (await prove(world, challenge, given, device=known.secret)).assurance == 2


async def test_a_passkey_that_answers_for_the_second_step_finishes_it_and_no_other_answer_does(
    world: World,
) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    party = world.app.extensions["vitrine_users"].relying_party
    challenge = await begin(world, person.id)
    options = await passkeys.authentication_options(database_of(world), party, "second-step", person.id)

    second = await prove(world, challenge, Given("passkey", credential=device.get(options)))

    assert second.assurance == 2
    assert (await use(world, second))["id"] == person.id


@pytest.mark.parametrize("proved", ["password", "provider", "link", "passkey"])
@pytest.mark.parametrize("trusted", [True, False, None])
async def test_a_trusted_device_stands_in_for_a_second_proof_after_a_password(
    world: World, proved: str, trusted: bool | None
) -> None:
    person = await world.person()
    await add_app(world, person)
    device = None if trusted is None else KnownDevice(new_id(), trusted)

    wanted = await signin.methods_wanted(
        database_of(world), person.id, proved, device, settings_of(world, require_factor=True)
    )

    if proved == "passkey":
        assert wanted == ["password"]
    else:
        assert wanted == (None if trusted and proved != "link" else ["totp"])


async def test_rule_20_no_device_stands_in_for_who_runs_the_shop(world: World) -> None:
    person, device = await world.person("admin"), KnownDevice(new_id(), trusted=True)
    await add_app(world, person)

    async def wanted(who: UUID, **changes: Any) -> list[str] | None:
        settings = settings_of(world, **changes)
        return await signin.methods_wanted(database_of(world), who, "password", device, settings)

    assert await wanted(person.id, require_factor=True) == ["totp"]
    assert await wanted(person.id, require_factor=False) is None
    assert await wanted(new_id(), require_factor=True) is None, "who is gone has nothing to be asked for"


async def test_a_sign_in_ends_with_its_account(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    challenge = await begin(world, person.id)
    await world.sql.execute("DELETE FROM users.accounts WHERE id = $1", person.id)

    with pytest.raises(SignInEnded):
        await prove(world, challenge, Given("totp", code=code_of(secret)))
