"""The form of recovery codes, and the keys that they and seeds are kept under."""

from __future__ import annotations

import hmac
import re
import string
from uuid import UUID

import pytest
from vitrine_users.factors.codes import digest_of_code, new_codes
from vitrine_users.factors.keys import FactorKeys
from vitrine_users.secrets import derive_key

ACCOUNT = UUID("01890000-0000-7000-8000-000000000001")
KEY = b"k" * 32


def test_a_code_is_four_groups_of_four_that_nobody_mistakes() -> None:
    made = [code for _ in range(40) for code in new_codes()]

    assert len(set(made)) == 400
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}", code) for code in made)
    assert any(code[1:4] != code[5:8] for code in made), "each group has random characters of its own"
    assert set("".join(made)) == set(string.digits + string.ascii_lowercase + "-") - set("ilou")


@pytest.mark.parametrize("written", ["0110-v2m9", "0110v2m9", " OI1O v2\tM9 ", "oLi0-U2m9-"])
def test_what_is_stored_of_a_code_does_not_depend_on_how_it_is_written(written: str) -> None:
    expected = hmac.digest(KEY, f"{ACCOUNT}\n0110v2m9".encode(), "sha256")

    assert digest_of_code(KEY, ACCOUNT, written) == expected


def test_what_is_stored_of_a_code_depends_on_its_account() -> None:
    assert digest_of_code(KEY, ACCOUNT, "0110-v2m9") != digest_of_code(KEY, UUID(int=1), "0110-v2m9")


def test_seeds_and_codes_of_an_earlier_release_are_found_under_the_same_keys() -> None:
    keys = FactorKeys.derive("a secret of the installation, long enough")

    assert keys.seeds == derive_key("a secret of the installation, long enough", "totp-seeds")
    assert keys.codes == derive_key("a secret of the installation, long enough", "recovery-codes")
