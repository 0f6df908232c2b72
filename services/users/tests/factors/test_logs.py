"""What is logged of factors: that they were used, and never their secrets."""

from __future__ import annotations

import json
import logging

import pytest
from factors_world import (
    add_app,
    add_codes,
    add_passkey,
    browser_sign_in,
    challenge_of,
    code_of,
    internal,
    second_step,
    wrong_code,
)
from soft_authenticator import SoftAuthenticator
from users_world import World


async def test_rule_48_secrets_of_factors_appear_in_no_log_and_no_audit_entry(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person, key = await world.person(), SoftAuthenticator()
    first = (await browser_sign_in(world, person)).json()
    seed = await add_app(world, person)
    codes = await add_codes(world, person)
    await add_passkey(world, person, key)
    challenge, other = await challenge_of(world, person), await challenge_of(world, person)
    wrong = wrong_code(seed)
    assert (await second_step(world, challenge, "totp", code=wrong)).status_code == 422
    assert (await second_step(world, challenge, "totp", code=code_of(seed))).status_code == 201
    assert (await second_step(world, other, "recovery_code", code=codes[0])).status_code == 201
    body = {"session": first["session"], "method": "recovery_code", "code": codes[1]}
    renewed = (await internal(world, "sessions/confirm", **body, address="192.0.2.1")).json()

    logged = "\n".join(
        f"{record.getMessage()} {record.args} {record.exc_text}"
        for record in caplog.records
        if record.name != "factors_world"
    )
    rows = await world.sql.fetch("SELECT a::text AS row FROM users.audit_log a")
    seen = logged + json.dumps([row["row"] for row in rows])

    secrets = [seed, challenge, other, first["device"], first["session"], renewed["session"], *codes]
    assert [secret for secret in secrets if secret in seen] == []
    events = {"factor_added", "recovery_codes_issued", "recovery_code_used", "totp_failed", "session_renewed"}
    assert [event for event in events if event not in logged] == []
