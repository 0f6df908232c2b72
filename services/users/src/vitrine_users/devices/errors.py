"""What can go wrong with remembered devices."""

from __future__ import annotations

from vitrine_kit.problems import NotFound


class NoSuchDevice(NotFound):
    """The account knows no such device."""

    def __init__(self) -> None:
        super().__init__("There is no such device on your account.")
