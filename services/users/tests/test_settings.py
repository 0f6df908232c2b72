"""The settings of users: safe by default, and loud where they are not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from vitrine_users.settings import UsersSettings

SECRET = {"secret_key": "a secret of the installation, long enough"}


def test_the_defaults_are_those_of_the_security_rules() -> None:
    found = UsersSettings.model_validate(SECRET)

    assert found.environment == "production"
    assert found.access_token_ttl_s == 600
    assert found.refresh_grace_s == 10
    assert found.sign_in_link_ttl_s == 1800
    assert (found.argon2_memory_kib, found.argon2_passes, found.hashing_threads) == (19456, 2, 2)
    assert found.browser_session_ttl_s == 30 * 86400


@pytest.mark.parametrize(
    "changes",
    [{"argon2_memory_kib": 19455}, {"argon2_passes": 1}, {"access_token_ttl_s": 601}, {"secret_key": "short"},
     {"browser_session_ttl_s": 31 * 86400}, {"refresh_token_ttl_s": 31 * 86400},
     {"sign_in_link_ttl_s": 86401}, {"hashing_threads": 0}],
)  # fmt: skip
def test_what_would_be_unsafe_in_production_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        UsersSettings.model_validate(SECRET | changes)


def test_tests_may_hash_cheaply() -> None:
    found = UsersSettings.model_validate(
        SECRET | {"environment": "test", "argon2_memory_kib": 8, "argon2_passes": 1}
    )

    assert found.argon2_memory_kib == 8
