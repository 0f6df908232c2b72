"""Passwords: which ones are good enough, and how they are hashed; knows no account."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from vitrine_users.secrets import derive_key, keyed_digest
from vitrine_users.settings import UsersSettings

MIN_CHARS = 15
"""Code points, where the password is the only factor (NIST SP 800-63B-4, section 3.1.1.2)."""
MAX_CHARS = 128
SERVICE_NAME = "vitrine"
GIVING_WAY = 10
"""By so much the hashing threads are nicer than the rest of the process (`nice`)."""

_SEPARATORS = str.maketrans("", "", " -_.")
_SALT_BYTES = 16
_HASH_BYTES = 32
_MIN_WORD_CHARS = 3
_MIN_KINDS = 5

T = TypeVar("T")


class WeakPassword(ValueError):
    """The password may not be used; the message says why, for people."""


def normalize(password: str) -> str:
    """The password in Unicode's composed form (NFC; NIST 3.1.1.2): the same on every keyboard."""
    return unicodedata.normalize("NFC", password)


def _folded(text: str) -> str:
    return normalize(text).casefold().translate(_SEPARATORS)


@cache
def common_passwords() -> frozenset[str]:
    """The long passwords that people choose most, folded; made by scripts/make_long_passwords.py."""
    text = files("vitrine_users.accounts").joinpath("long_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split("\n")) - {""}


def require_strong(password: str, *, about: Iterable[str] = ()) -> None:
    """Holds that a new password is long enough, not common, and not made of what all know of its owner.

    `about` holds the owner's e-mail address and name. There are no rules about kinds of characters.

    Raises:
        WeakPassword: with the reason.
    """
    text = normalize(password)
    if len(text) < MIN_CHARS:
        raise WeakPassword(
            f"Use at least {MIN_CHARS} characters; a few words that do not belong together do well."
        )
    if len(text) > MAX_CHARS:
        raise WeakPassword(f"Use at most {MAX_CHARS} characters.")
    folded = _folded(text)
    if len(set(folded)) < _MIN_KINDS:
        raise WeakPassword("It repeats the same few characters. Choose something less regular.")
    if folded in common_passwords():
        raise WeakPassword(
            "It is on the list of common passwords, which attackers try first. Choose another."
        )
    rest = folded
    for word in sorted(_words_about(about), key=len, reverse=True):
        rest = rest.replace(word, "")
    if rest != folded and not any(char.isalpha() for char in rest):
        raise WeakPassword(
            "It is made of your name, your e-mail address or this service's name. Choose another."
        )


def _words_about(about: Iterable[str]) -> set[str]:
    words = {SERVICE_NAME}
    for text in about:
        parts = normalize(text).casefold().replace("@", " ").replace(".", " ").replace("-", " ").split()
        words |= {_folded(part) for part in [*parts, text]}
    return {word for word in words if len(word) >= _MIN_WORD_CHARS}


def _give_way() -> None:
    """Lets the event loop and the database come first where processors are short: sign-ins must not slow all else."""
    if sys.platform == "linux":  # elsewhere a priority is the whole process's
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + GIVING_WAY))


class PasswordHasher:
    """Hashes and verifies with argon2id on a few threads of its own, never on the event loop.

    What is hashed is an HMAC of the password under a key that is not in the database, so that a stolen table
    alone gives nothing to guess against.
    """

    def __init__(self, settings: UsersSettings) -> None:
        self._pepper = derive_key(settings.secret_key.get_secret_value(), "password-pepper")
        self._argon2 = argon2.PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory_kib,
            parallelism=1,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=argon2.Type.ID,
        )
        self._threads = ThreadPoolExecutor(
            settings.hashing_threads, thread_name_prefix="argon2", initializer=_give_way
        )
        self._nobody = self._argon2.hash(secrets.token_bytes(_HASH_BYTES))

    async def hash(self, password: str) -> str:
        """The encoded hash to store; some 20 ms of one thread."""
        return await self._run(lambda: self._argon2.hash(self._peppered(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password belongs to the stored hash; takes as long where nothing is stored."""
        return await self._run(lambda: self._verify(stored, password))

    def needs_rehash(self, stored: str) -> bool:
        """Whether the stored hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(stored)

    def close(self) -> None:
        """Lets the threads end; hashes that wait are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _peppered(self, password: str) -> bytes:
        return keyed_digest(self._pepper, normalize(password))

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            self._argon2.verify(stored or self._nobody, self._peppered(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
