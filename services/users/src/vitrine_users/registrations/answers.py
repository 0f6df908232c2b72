"""The one answer to whatever ends in somebody's mailbox."""

from __future__ import annotations

from vitrine_users.registrations.schemas import CheckYourMail
from vitrine_users.state import current_users

Accepted = tuple[CheckYourMail, int, dict[str, str]]


def check_your_mail() -> Accepted:
    """The same status, body and headers for every address, whether anybody has it or not."""
    delivers = current_users().settings.sends_mail
    return CheckYourMail(delivers=delivers), 202, {"Cache-Control": "no-store"}
