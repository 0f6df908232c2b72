"""Authenticator apps: added, confirmed, used once for each code, and ended by too many wrong ones."""

from __future__ import annotations

import asyncio
from base64 import b32decode

import pytest
from factors_world import (
    add_app,
    challenge_of,
    code_of,
    internal,
    let_codes_pass,
    let_proof_age,
    mails_of,
    second_step,
    with_tokens,
    wrong_code,
)
from users_world import World
from vitrine_users.factors import totp


async def test_rule_21_a_seed_has_112_bits_or_more_and_is_stored_encrypted(world: World) -> None:
    person = await world.person()
    begun = (await world.send(person, "POST", "/me/totp")).json()

    seed = b32decode(begun["secret"])

    assert len(seed) * 8 >= 112
    row = await world.sql.fetchrow("SELECT * FROM users.totp_factors WHERE account_id = $1", person.id)
    assert seed not in row["sealed_seed"]
    assert begun["secret"] not in str(row)
    assert begun["uri"].startswith("otpauth://totp/")
    assert begun["qr_svg"].startswith("<svg")


async def test_an_app_counts_once_its_first_code_has_come(world: World) -> None:
    person = await world.person()
    secret = (await world.send(person, "POST", "/me/totp")).json()["secret"]
    assert (await world.sign_in(person.email)).status_code == 201
    assert (await world.get(person, "/me/factors")).json()["totp"] is None

    wrong = await world.send(person, "POST", "/me/totp/confirm", json={"code": wrong_code(secret)})
    right = await world.send(person, "POST", "/me/totp/confirm", json={"code": code_of(secret)})
    again = await world.send(person, "POST", "/me/totp/confirm", json={"code": code_of(secret)})

    assert (wrong.status_code, right.status_code, again.status_code) == (422, 204, 404)
    assert (await world.get(person, "/me/factors")).json()["totp"]["works"] is True
    assert (await world.sign_in(person.email)).json()["methods"] == ["totp"]
    assert await mails_of(world, person) == ["factor-added"]


async def test_there_is_one_app_at_most(world: World) -> None:
    person = await world.person()
    await add_app(world, person)

    assert (await world.send(person, "POST", "/me/totp")).status_code == 409


async def test_a_second_beginning_makes_the_first_worthless(world: World) -> None:
    person = await world.person()
    first = (await world.send(person, "POST", "/me/totp")).json()["secret"]
    await world.send(person, "POST", "/me/totp")

    answer = await world.send(person, "POST", "/me/totp/confirm", json={"code": code_of(first)})

    assert answer.status_code == 422


async def test_a_code_signs_in_with_two_factors(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)

    answer = await second_step(world, await challenge_of(world, person), "totp", code=code_of(secret))

    assert answer.status_code == 201
    assert (await world.get(with_tokens(person, answer.json()), "/me")).status_code == 200
    assert (
        await world.sql.fetchval(
            "SELECT max(assurance) FROM users.refresh_families WHERE account_id = $1", person.id
        )
        == 2
    )


async def test_rule_21_a_used_totp_step_is_refused(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    code = code_of(secret)

    first = await second_step(world, await challenge_of(world, person), "totp", code=code)
    second = await second_step(world, await challenge_of(world, person), "totp", code=code)
    older = code_of(secret, steps_back=1)
    third = await second_step(world, await challenge_of(world, person), "totp", code=older)

    assert [answer.status_code for answer in (first, second, third)] == [201, 422, 422]


@pytest.mark.parametrize(
    ("steps_back", "taken"), [(0, True), (1, True), (2, False), (-1, False), (-2, False)]
)
def test_rule_21_a_code_is_taken_for_its_step_and_one_back(steps_back: int, taken: bool) -> None:
    seed, now_s = totp.new_seed(), 1_900_000_000
    code = totp.pyotp.TOTP(totp.text_of(seed)).at(now_s - 30 * steps_back)

    found = totp.matching_step(seed, code, now_s=now_s)

    assert found == (now_s // 30 - steps_back if taken else None)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\ud800", "000000 "])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    if code != "\ud800":
        assert totp.matching_step(b"s" * 20, code, now_s=1_900_000_000.0) is None


async def test_rule_46_of_fifty_uses_of_one_code_exactly_one_wins(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    challenges = [await challenge_of(world, person) for _ in range(50)]
    code = code_of(secret)
    await world.sql.execute("UPDATE users.totp_factors SET failures = -1000 WHERE account_id = $1", person.id)

    answers = await asyncio.gather(
        *(second_step(world, challenge, "totp", code=code) for challenge in challenges)
    )

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 422, 429}


async def test_rule_46_of_fifty_uses_of_one_challenge_exactly_one_wins(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    challenge = await challenge_of(world, person)
    await world.sql.execute("UPDATE users.totp_factors SET failures = -1000 WHERE account_id = $1", person.id)
    await world.sql.execute(
        "UPDATE users.pending_sign_ins SET tries = -1000 WHERE account_id = $1", person.id
    )

    answers = await asyncio.gather(
        *(second_step(world, challenge, "totp", code=code_of(secret)) for _ in range(50))
    )

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 410, 422, 429}


async def test_rule_9_wrong_codes_bring_growing_waits_and_a_new_code_resets_nothing(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    waits = []
    for _ in range(5):
        answer = await second_step(world, await challenge_of(world, person), "totp", code=wrong_code(secret))
        assert answer.status_code == 422
    for _ in range(9):
        right = await second_step(world, await challenge_of(world, person), "totp", code=code_of(secret))
        assert right.status_code == 429, "even the right code has to wait"
        waits.append(int(right.headers["Retry-After"]))
        await world.sql.execute(
            "UPDATE users.totp_factors SET retry_at = now() WHERE account_id = $1", person.id
        )
        await second_step(world, await challenge_of(world, person), "totp", code=wrong_code(secret))

    assert [round(wait, -1) for wait in waits] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


async def test_rule_9_a_hundred_wrong_codes_in_a_row_end_the_app(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    await world.sql.execute(
        "UPDATE users.totp_factors SET failures = 99, retry_at = NULL WHERE account_id = $1", person.id
    )

    await second_step(world, await challenge_of(world, person), "totp", code=wrong_code(secret))
    answer = await world.sign_in(person.email)

    assert answer.status_code == 403, "an app that was ended still bars the password alone"
    assert answer.json()["methods"] == []
    assert (await world.get(person, "/me/factors")).json()["totp"]["works"] is False


async def test_rule_10_wrong_codes_are_counted_apart_from_wrong_passwords(world: World) -> None:
    person, address = await world.person(), world.some_address()
    secret = await add_app(world, person)
    for _ in range(11):
        await world.sign_in(person.email, "wrong wrong wrong", address=address)
    assert (await world.sign_in(person.email, address=address)).status_code == 429

    answer = await second_step(world, await challenge_of(world, person), "totp", code=code_of(secret))

    assert answer.status_code == 201


async def test_rule_10_a_device_that_is_known_need_not_wait_for_what_others_spoiled(world: World) -> None:
    person = await world.person()
    first = await internal(
        world, "sessions", email=person.email, password=person.password, address=world.some_address()
    )
    device = first.json()["device"]
    secret = await add_app(world, person)
    for _ in range(5):
        await second_step(world, await challenge_of(world, person), "totp", code=wrong_code(secret))
    pending = await internal(
        world, "sessions", email=person.email, password=person.password, address="192.0.2.7", device=device
    )
    body = {"challenge": pending.json()["challenge"], "method": "totp", "code": code_of(secret)}

    stranger = await internal(world, "sessions/second-step", **body)
    known = await internal(world, "sessions/second-step", **body, device=device)

    assert (stranger.status_code, known.status_code) == (429, 201)


async def test_rule_16_a_sign_in_takes_five_tries_and_ends_after_ten_minutes(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    challenge = await challenge_of(world, person)
    for _ in range(5):
        await second_step(world, challenge, "totp", code=wrong_code(secret))
    await world.sql.execute(
        "UPDATE users.totp_factors SET failures = 0, retry_at = NULL WHERE account_id = $1", person.id
    )
    assert (await second_step(world, challenge, "totp", code=code_of(secret))).status_code == 410

    late = await challenge_of(world, person)
    await world.sql.execute(
        "UPDATE users.pending_sign_ins SET expires_at = expires_at - interval '10 minutes'"
        " WHERE account_id = $1",
        person.id,
    )

    assert (await second_step(world, late, "totp", code=code_of(secret))).status_code == 410


async def test_rule_30_changes_of_the_app_ask_for_a_recent_proof(world: World) -> None:
    person = await world.person()
    await let_proof_age(world, person)

    begin = await world.send(person, "POST", "/me/totp")
    confirm = await world.send(person, "POST", "/me/totp/confirm", json={"code": "123456"})
    remove = await world.send(person, "DELETE", "/me/totp")

    for answer in (begin, confirm, remove):
        assert answer.status_code == 403
        assert answer.json()["type"] == "/problems/step-up-required"
        assert answer.json()["methods"] == ["password"]


async def test_removing_the_app_is_told_and_takes_its_codes_along(world: World) -> None:
    person = await world.person()
    await add_app(world, person)
    assert (await world.send(person, "POST", "/me/recovery-codes")).status_code == 201

    assert (await world.send(person, "DELETE", "/me/totp")).status_code == 204
    assert (await world.send(person, "DELETE", "/me/totp")).status_code == 404

    assert (await world.sign_in(person.email)).status_code == 201
    assert (await world.get(person, "/me/factors")).json()["recovery_codes"] == 0
    assert (await mails_of(world, person))[-1] == "factor-removed"


async def test_a_password_change_ends_sign_ins_half_done(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    challenge = await challenge_of(world, person)
    body = {"current_password": person.password, "new_password": "seven brass anchors sing"}
    assert (await world.send(person, "POST", "/me/password", json=body)).status_code == 204
    await let_codes_pass(world, person)

    assert (await second_step(world, challenge, "totp", code=code_of(secret))).status_code == 410


async def test_a_challenge_of_the_api_is_worth_nothing_in_a_browser_and_the_other_way_round(
    world: World,
) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    by_api = await challenge_of(world, person)
    by_browser = (
        await internal(
            world, "sessions", email=person.email, password=person.password, address=world.some_address()
        )
    ).json()["challenge"]

    crossed = await internal(
        world, "sessions/second-step", challenge=by_api, method="totp", code=code_of(secret)
    )

    assert crossed.status_code == 410
    assert (await second_step(world, by_browser, "totp", code=code_of(secret))).status_code == 410


async def test_rule_29_adding_a_factor_ends_other_sign_ins_where_that_is_wanted(world: World) -> None:
    person = await world.person()
    elsewhere = await world.begin_session(person.email)
    secret = (await world.send(person, "POST", "/me/totp")).json()["secret"]

    body = {"code": code_of(secret), "end_other_sessions": True}
    assert (await world.send(person, "POST", "/me/totp/confirm", json=body)).status_code == 204

    assert (await world.exchange(elsewhere["session"])).status_code == 401
    assert (await world.get(person, "/me")).status_code == 200
