"""Passwords: which are refused, and how they are hashed, at the real cost."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import unicodedata

import argon2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from users_world import GOOD_PASSWORD
from vitrine_users.accounts.passwords import (
    GIVING_WAY,
    MAX_CHARS,
    MIN_CHARS,
    PasswordHasher,
    WeakPassword,
    common_passwords,
    normalize,
    require_strong,
)
from vitrine_users.settings import UsersSettings

SECRET = "a secret of the installation, long enough"
LETTERS = "abeXZ09 -é\u0301\u0308\u0327ßﬁΩω語한가🦊\u200d"
"""Few characters, many of which compose, fold or join with their neighbours."""


def real_settings(**changes: object) -> UsersSettings:
    return UsersSettings.model_validate({"secret_key": SECRET, **changes})


def cheap_settings(**changes: object) -> UsersSettings:
    cheap = {"environment": "test", "argon2_memory_kib": 8, "argon2_passes": 1}
    return real_settings(**{**cheap, **changes})


def test_the_blocklist_holds_thousands_of_entries_that_satisfy_the_length_rule() -> None:
    assert len(common_passwords()) >= 3000
    assert all(MIN_CHARS <= len(entry) <= MAX_CHARS for entry in common_passwords())


@pytest.mark.parametrize(
    "password",
    ["qwertyuiopasdfghjkl", "123456789012345", "iloveyouiloveyou", "PasswordPassword1", "letmeinletmein123",
     "This Is My Password", "1qaz2wsx3edc4rfv", "January2024January2024", "abcdefghijklmnop", "admin-admin-admin"],
)  # fmt: skip
def test_long_common_passwords_are_refused_whatever_their_case_and_separators(password: str) -> None:
    with pytest.raises(WeakPassword, match="common passwords"):
        require_strong(password)


def test_there_are_no_rules_about_kinds_of_characters() -> None:
    require_strong("only lower case words here")
    require_strong("74310985526317409")


@pytest.mark.parametrize(
    "password",
    [
        "ann.marie.example.2026",
        "vitrine annmarie 1234567",
        "AnnMarieAnnMarieAnnMarie",
        "EXAMPLE.com-ann-marie",
    ],
)
def test_what_everybody_knows_of_the_owner_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match="made of your name"):
        require_strong(password, about=("ann.marie@example.com", "Ann Marie"))


def test_a_password_that_merely_holds_the_name_is_fine() -> None:
    require_strong("ann drinks cold tea", about=("ann@example.com", "Ann"))


@given(st.text(LETTERS, max_size=MIN_CHARS - 1))
def test_fewer_than_fifteen_code_points_are_never_enough(password: str) -> None:
    with pytest.raises(WeakPassword):
        require_strong(password)


@settings(max_examples=50)
@given(st.text(LETTERS, min_size=MAX_CHARS + 1, max_size=300).filter(lambda t: len(normalize(t)) > MAX_CHARS))
def test_more_than_128_code_points_are_refused_not_cut(password: str) -> None:
    with pytest.raises(WeakPassword, match="at most 128"):
        require_strong(password)


@given(st.text(st.sampled_from("qzxjkvbpygfwmucldrhsnioate"), min_size=20, max_size=128))
def test_the_length_counts_after_composition(text: str) -> None:
    composed = text.replace("e", "é")

    assert len(normalize(unicodedata.normalize("NFD", composed))) == len(composed)


async def test_hashes_are_argon2id_with_the_parameters_of_the_settings() -> None:
    hasher = PasswordHasher(real_settings())
    try:
        stored = await hasher.hash(GOOD_PASSWORD)
    finally:
        hasher.close()

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    salt = stored.split("$")[4]
    assert len(salt) * 6 // 8 == 16


async def test_only_the_right_password_verifies_and_nothing_stored_never_does() -> None:
    hasher = PasswordHasher(cheap_settings())
    stored = await hasher.hash(GOOD_PASSWORD)

    assert await hasher.verify(stored, GOOD_PASSWORD)
    assert not await hasher.verify(stored, GOOD_PASSWORD + " ")
    assert not await hasher.verify(stored, GOOD_PASSWORD[:-1])
    assert not await hasher.verify(None, GOOD_PASSWORD)
    assert not await hasher.verify("$argon2id$broken", GOOD_PASSWORD)
    hasher.close()


async def test_composed_and_decomposed_spellings_are_one_password() -> None:
    hasher = PasswordHasher(cheap_settings())
    stored = await hasher.hash(unicodedata.normalize("NFC", "crème brûlée à gogo"))

    assert await hasher.verify(stored, unicodedata.normalize("NFD", "crème brûlée à gogo"))
    hasher.close()


async def test_no_character_beyond_any_limit_is_ignored() -> None:
    hasher = PasswordHasher(cheap_settings())
    long = "".join(chr(0x4E00 + n) for n in range(128))
    stored = await hasher.hash(long)

    assert await hasher.verify(stored, long)
    assert not await hasher.verify(stored, long[:-1] + "x")
    hasher.close()


async def test_a_stolen_table_is_worthless_without_the_installations_secret() -> None:
    here = PasswordHasher(cheap_settings())
    elsewhere = PasswordHasher(cheap_settings(secret_key=SECRET + "!"))
    stored = await here.hash(GOOD_PASSWORD)

    assert not await elsewhere.verify(stored, GOOD_PASSWORD)
    here.close()
    elsewhere.close()


async def test_a_hash_made_with_lower_parameters_wants_to_be_made_again() -> None:
    weak, strong = PasswordHasher(cheap_settings()), PasswordHasher(cheap_settings(argon2_passes=2))
    stored = await weak.hash(GOOD_PASSWORD)

    assert not weak.needs_rehash(stored)
    assert strong.needs_rehash(stored)
    assert await strong.verify(stored, GOOD_PASSWORD)
    weak.close()
    strong.close()


async def test_hashing_runs_on_two_threads_and_leaves_the_loop_free() -> None:
    hasher = PasswordHasher(real_settings())
    before = threading.active_count()
    longest_stall_s, last = 0.0, (started := time.perf_counter())
    hashing = asyncio.gather(*(hasher.hash(GOOD_PASSWORD) for _ in range(10)))
    while not hashing.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest_stall_s, last = max(longest_stall_s, now - last), now
    await hashing

    assert threading.active_count() - before <= 2
    assert longest_stall_s < (last - started) / 2
    hasher.close()


async def test_rule_13_an_unknown_account_costs_the_hash_of_a_known_one() -> None:
    """What is verified for nobody was made with the same parameters; that it is verified, and how often, is held by
    tests/test_constant_work.py, and the time of whole answers by `./vitrine bench users`."""
    hasher = PasswordHasher(real_settings())
    stored = await hasher.hash(GOOD_PASSWORD)

    assert argon2.extract_parameters(hasher._nobody) == argon2.extract_parameters(stored)
    assert not await hasher.verify(None, GOOD_PASSWORD)
    hasher.close()


def test_two_passwords_are_one_only_if_they_compose_alike() -> None:
    hasher = PasswordHasher(cheap_settings())

    async def verify(first: str, second: str) -> bool:
        return await hasher.verify(await hasher.hash(first), second)

    @settings(max_examples=25)
    @given(st.text(LETTERS, min_size=1, max_size=6), st.text(LETTERS, min_size=1, max_size=6))
    def compare(first: str, second: str) -> None:
        assert runner.run(verify(first, second)) == (normalize(first) == normalize(second))

    with asyncio.Runner() as runner:
        compare()
    hasher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is the whole process's")
async def test_the_threads_that_hash_let_everything_else_go_first() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    hasher = PasswordHasher(cheap_settings())

    assert await hasher._run(niceness) == min(19, niceness() + GIVING_WAY)
    hasher.close()
