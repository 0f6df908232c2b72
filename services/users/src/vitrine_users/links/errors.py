"""What can go wrong with links."""

from __future__ import annotations

from vitrine_kit.problems import Gone


class LinkSpent(Gone):
    """The link is unknown, used, too old or for something else; which of these is not said."""

    def __init__(self) -> None:
        super().__init__("This link has been used, or is too old. Ask for a new one.")
