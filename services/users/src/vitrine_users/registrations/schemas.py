"""Registrations as they cross the wire."""

from __future__ import annotations

from typing import Literal

from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import Email, LocaleName, Name, NewPassword


class Registration(Schema):
    """A new account."""

    email: Email
    password: NewPassword
    """15 to 128 characters of any kind; common ones are refused."""
    name: Name
    locale: LocaleName = "en"
    """The language of mails to you."""


class CheckYourMail(Schema):
    """The answer to whatever ends in somebody's mailbox: the same for every address."""

    status: Literal["check_your_mail"] = "check_your_mail"
    delivers: bool
    """Whether there is a mail server; without one the shop's owner finds the mail in the studio."""
