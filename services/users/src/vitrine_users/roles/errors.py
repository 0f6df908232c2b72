"""What can go wrong with roles."""

from __future__ import annotations

from collections.abc import Iterable

from vitrine_kit.problems import Conflict, FieldError, Forbidden, NotFound, Unprocessable


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


class NoSuchRole(NotFound):
    """No role has this name."""

    def __init__(self) -> None:
        super().__init__("There is no role with this name.")


class RoleTaken(Conflict):
    """A role of this name exists."""

    def __init__(self) -> None:
        message = "There is a role with this name already."
        super().__init__(message, errors=[FieldError("name", message)])


class BuiltInRole(Conflict):
    """A role that every shop has was to be changed."""

    def __init__(self) -> None:
        super().__init__("This role comes with Vitrine. Make one of your own to have other permissions.")


class RoleHeld(Conflict):
    """A role was to be deleted that somebody holds."""

    def __init__(self) -> None:
        super().__init__("Somebody holds this role. Take it from them first.")


class RolePromised(Conflict):
    """A role was to be deleted that an open invitation names."""

    def __init__(self) -> None:
        super().__init__("An open invitation names this role. Withdraw it first.")


class UnknownPermission(Unprocessable):
    """A permission was named that does not exist."""

    def __init__(self, names: Iterable[str]) -> None:
        message = f"There is no such permission: {', '.join(sorted(names))}."
        super().__init__(message, errors=[FieldError("permissions", message)])
