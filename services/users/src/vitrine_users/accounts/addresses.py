"""E-mail addresses: their syntax, and when two of them are one mailbox."""

from __future__ import annotations

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email


class NotAnAddress(ValueError):
    """The text is no e-mail address; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address as its owner writes it, and the key by which it is compared."""

    text: str
    key: str


def parse_address(text: str) -> EmailAddress:
    """The address in this text; nothing is looked up on the network.

    The key lowers the case of both parts and takes the domain in its ASCII form, so that Ann@Shop.example and
    ann@shop.example are one account, as they are one mailbox with every provider of note.

    Raises:
        NotAnAddress: it is none.
    """
    try:
        found = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise NotAnAddress(str(error)) from None
    return EmailAddress(found.normalized, f"{found.local_part.lower()}@{found.ascii_domain.lower()}")


def wire_form(text: str) -> str:
    """An address with its domain in ASCII, as every mail server takes it; the local part stays as it is."""
    try:
        found = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return text
    return f"{found.local_part}@{found.ascii_domain}"


def key_of(text: str) -> str | None:
    """The key of the address in this text, or None where it is no address: nobody can have it."""
    try:
        return parse_address(text).key
    except NotAnAddress:
        return None
