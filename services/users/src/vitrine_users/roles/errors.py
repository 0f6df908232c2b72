"""What can go wrong with roles."""

from __future__ import annotations

from collections.abc import Iterable

from vitrine_kit.problems import Conflict, FieldError, Forbidden, Unprocessable


class UnknownRole(Unprocessable):
    """A role was named that does not exist."""

    def __init__(self, names: Iterable[str]) -> None:
        message = f"There is no such role: {', '.join(sorted(names))}."
        super().__init__(message, errors=[FieldError("roles", message)])


class TooMuchPower(Forbidden):
    """Somebody tried to give, or to rule over, more than they may do themselves."""

    def __init__(self) -> None:
        super().__init__("Nobody can give, take away or manage more than they may do themselves.")


class LastOwner(Conflict):
    """The shop would be left without an owner."""

    def __init__(self) -> None:
        super().__init__("This is the shop's last owner. Make somebody else an owner first.")
