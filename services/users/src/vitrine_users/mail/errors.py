"""What can go wrong with mail."""

from __future__ import annotations

from vitrine_kit.problems import NotFound


class NoSuchMail(NotFound):
    """No mail waits under this id."""

    def __init__(self) -> None:
        super().__init__("There is no such mail here: it was delivered, or is too old.")
