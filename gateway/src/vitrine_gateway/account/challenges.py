"""Forms that ask for a challenge while many tries fail: solved by the page's script, or waited for without one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import orjson
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.validators import Length

from vitrine_gateway.clients.wire import ChallengeNeeded

HEADER = "Challenge-Solution"
MAX_SOLUTION_CHARS = 2000
MAX_TICKET_CHARS = 600


class ChallengedForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A form that strangers send often: with room for a solution, or for the ticket of somebody who waits."""

    solution = HiddenField(validators=[Length(max=MAX_SOLUTION_CHARS)])
    ticket = HiddenField(validators=[Length(max=MAX_TICKET_CHARS)])
    challenge: str | None = None
    """The puzzle as JSON, where the page has to show one."""
    wait_until: datetime | None = None

    @property
    def paid(self) -> dict[str, str]:
        """The header that shows what was done: the work where the script has done it, else the wait."""
        if self.solution.data:
            return {HEADER: header_text(self.solution.data)}
        if self.ticket.data:
            return {HEADER: base64.b64encode(orjson.dumps({"ticket": self.ticket.data})).decode()}
        return {}

    def demand(self, problem: ChallengeNeeded) -> None:
        """Has the page show the puzzle; what was typed stays, but for a password."""
        self.solution.data = ""
        self.ticket.data = str(problem.challenge.get("ticket", ""))
        self.challenge = orjson.dumps(problem.challenge).decode()
        self.wait_until = datetime.now(UTC) + timedelta(seconds=problem.wait_s)


def header_text(text: str) -> str:
    """A text that may stand in a header: what is no base64 is left out."""
    return "".join(char for char in text if char.isascii() and (char.isalnum() or char in "+/=-_"))
