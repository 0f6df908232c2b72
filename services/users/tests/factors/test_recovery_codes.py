"""Recovery codes: ten, shown once, each good once beside another proof, and never a way round both."""

from __future__ import annotations

import asyncio
import math

from factors_world import (
    add_app,
    add_codes,
    challenge_of,
    let_proof_age,
    mails_of,
    second_step,
    with_tokens,
)
from users_world import World
from vitrine_users.factors import codes as forms


def test_rule_22_a_code_has_64_bits_or_more() -> None:
    made = forms.new_codes()

    assert len(made) == len(set(made)) == 10
    assert all(len(code.replace("-", "")) * math.log2(len(forms._CHARS)) >= 64 for code in made)


async def test_rule_22_codes_are_shown_once_and_stored_as_digests(world: World) -> None:
    person = await world.person()
    await add_app(world, person)

    codes = await add_codes(world, person)

    rows = await world.sql.fetch(
        "SELECT r::text AS row FROM users.recovery_codes r WHERE account_id = $1", person.id
    )
    assert len(rows) == 10
    assert not any(code.replace("-", "") in row["row"] for code in codes for row in rows)
    answer = await world.get(person, "/me/factors")
    assert answer.json()["recovery_codes"] == 10
    assert codes[0] not in answer.text
    assert (await mails_of(world, person))[-1] == "recovery-codes-issued"


async def test_rule_22_a_code_signs_in_once_and_its_owner_is_told(world: World) -> None:
    person = await world.person()
    await add_app(world, person)
    codes = await add_codes(world, person)

    first = await second_step(world, await challenge_of(world, person), "recovery_code", code=codes[0])
    again = await second_step(world, await challenge_of(world, person), "recovery_code", code=codes[0])

    assert (first.status_code, again.status_code) == (201, 422)
    assert (await mails_of(world, person))[-1] == "recovery-code-used"
    signed_in = with_tokens(person, first.json())
    assert (await world.get(signed_in, "/me/factors")).json()["recovery_codes"] == 9


async def test_how_a_code_is_written_does_not_matter(world: World) -> None:
    person = await world.person()
    await add_app(world, person)
    code = (await add_codes(world, person))[0]
    written = f" {code.upper().replace('-', ' ').replace('0', 'O').replace('1', 'I')} "

    answer = await second_step(world, await challenge_of(world, person), "recovery_code", code=written)

    assert answer.status_code == 201


async def test_rule_22_new_codes_make_the_old_worthless(world: World) -> None:
    person = await world.person()
    await add_app(world, person)
    old, new = await add_codes(world, person), await add_codes(world, person)

    refused = await second_step(world, await challenge_of(world, person), "recovery_code", code=old[0])
    taken = await second_step(world, await challenge_of(world, person), "recovery_code", code=new[0])

    assert (refused.status_code, taken.status_code) == (422, 201)


async def test_rule_46_of_fifty_uses_of_one_code_exactly_one_wins(world: World) -> None:
    person = await world.person()
    await add_app(world, person)
    code = (await add_codes(world, person))[0]
    challenges = [await challenge_of(world, person) for _ in range(50)]

    answers = await asyncio.gather(
        *(second_step(world, challenge, "recovery_code", code=code) for challenge in challenges)
    )

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 422, 429}
    left = await world.sql.fetchval(
        "SELECT count(*) FROM users.recovery_codes WHERE account_id = $1 AND used_at IS NULL", person.id
    )
    assert left == 9


async def test_another_persons_code_is_worth_nothing(world: World) -> None:
    person, other = await world.person(), await world.person()
    await add_app(world, person)
    await add_app(world, other)
    code = (await add_codes(world, other))[0]

    answer = await second_step(world, await challenge_of(world, person), "recovery_code", code=code)

    assert answer.status_code == 422


async def test_rule_23_a_code_helps_nobody_without_the_password_and_the_password_nobody_without_a_code(
    world: World,
) -> None:
    person = await world.person()
    await add_app(world, person)
    code = (await add_codes(world, person))[0]

    alone = await second_step(world, "no challenge at all", "recovery_code", code=code)
    password_only = await world.sign_in(person.email)
    both = await second_step(world, password_only.json()["challenge"], "recovery_code", code=code)

    assert (alone.status_code, password_only.status_code, both.status_code) == (410, 403, 201)
    recovered = with_tokens(person, both.json())
    assert (await world.send(recovered, "DELETE", "/me/totp")).status_code == 204, "the lost app can go"


async def test_codes_ask_for_a_factor_and_a_recent_proof(world: World) -> None:
    person = await world.person()
    assert (await world.send(person, "POST", "/me/recovery-codes")).status_code == 409
    await add_app(world, person)
    await let_proof_age(world, person)

    answer = await world.send(person, "POST", "/me/recovery-codes")

    assert answer.json()["type"] == "/problems/step-up-required"
