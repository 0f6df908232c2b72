"""What each factor an account holds allows: by which proofs a sign-in goes on, and who needs two."""

from __future__ import annotations

from typing import Any

import pytest
from vitrine_users.factors.proofs import KINDS
from vitrine_users.factors.requirement import as_proved, must_have_factor
from vitrine_users.factors.signin import methods_after, proved_by_passkey
from vitrine_users.factors.stepup import methods_of
from vitrine_users.settings import UsersSettings

NOTHING = {
    "has_password": False,
    "has_totp": False,
    "totp_works": False,
    "passkeys": 0,
    "recovery_codes": 0,
    "connections": 0,
}
STRICT = UsersSettings.model_validate({"secret_key": "s" * 32, "require_factor": True})
LENIENT = UsersSettings.model_validate({"secret_key": "s" * 32, "require_factor": False})


@pytest.mark.parametrize(
    ("proved", "held", "methods"),
    [
        ("password", {}, None),
        ("password", {"has_password": True, "recovery_codes": 5}, None),
        ("password", {"has_totp": True, "totp_works": True}, ["totp"]),
        ("password", {"has_totp": True, "totp_works": False}, []),
        ("password", {"has_totp": True, "totp_works": False, "recovery_codes": 1}, ["recovery_code"]),
        ("password", {"passkeys": 1}, ["passkey"]),
        (
            "link",
            {"passkeys": 2, "has_totp": True, "totp_works": True, "recovery_codes": 3},
            ["passkey", "totp", "recovery_code"],
        ),
        ("passkey", {"has_totp": True, "totp_works": True, "passkeys": 1}, None),
        ("passkey", {"has_totp": True, "passkeys": 1, "has_password": True}, ["password"]),
    ],
)
def test_a_sign_in_goes_on_by_what_the_account_holds(proved: str, held: dict[str, Any], methods: Any) -> None:
    assert methods_after(proved, {**NOTHING, **held}) == methods


@pytest.mark.parametrize(
    ("held", "methods"),
    [
        ({}, []),
        ({"passkeys": 1}, ["passkey"]),
        ({"has_totp": True, "totp_works": True}, ["totp"]),
        ({"has_totp": True}, []),
        ({"has_password": True}, ["password"]),
        ({"recovery_codes": 1}, ["recovery_code"]),
        ({"connections": 1}, ["provider"]),
        (
            {"passkeys": 2, "totp_works": True, "has_password": True, "recovery_codes": 2, "connections": 2},
            ["passkey", "totp", "password", "recovery_code", "provider"],
        ),
    ],
)
def test_a_step_up_offers_what_the_account_holds(held: dict[str, Any], methods: list[str]) -> None:
    assert methods_of({**NOTHING, **held}) == methods


def test_an_account_that_is_gone_offers_nothing() -> None:
    assert methods_of(None) == []


@pytest.mark.parametrize(
    ("roles", "strict"),
    [
        (["owner"], True),
        (["customer", "admin"], True),
        (["editor"], False),
        (["viewer", "customer"], False),
        ([], False),
    ],
)
def test_rule_20_the_roles_that_run_the_shop_need_two_proofs(roles: list[str], strict: bool) -> None:
    account = {"roles": roles, "permissions": ["users:read"]}

    assert must_have_factor(account, STRICT) is strict
    assert must_have_factor(account, LENIENT) is False
    assert as_proved(account, 1, STRICT) == {"roles": roles, "permissions": [] if strict else ["users:read"]}
    assert as_proved(account, 2, STRICT) == account
    assert as_proved(account, 1, LENIENT) == account


def test_a_passkey_is_both_proofs_only_where_the_device_knew_its_owner() -> None:
    class Used:
        class signed:  # noqa: N801 - the shape of what a passkey's check returns
            user_verified = True

    assert proved_by_passkey(Used) == 2  # type: ignore[arg-type]
    Used.signed.user_verified = False
    assert proved_by_passkey(Used) == 1  # type: ignore[arg-type]


def test_mail_and_the_operator_are_no_proof() -> None:
    assert KINDS == {
        "password": "knowledge",
        "provider": "knowledge",
        "totp": "possession",
        "recovery_code": "possession",
        "passkey": "possession",
    }
