"""What can go wrong with applications: problems for people, and the errors of OAuth for programs.

Problem
├── NotFound 404: NoSuchApplication
└── Unprocessable 422: BadAddress
ProtocolError (RFC 6749, sections 4.1.2.1 and 5.2; never a problem document)
"""

from __future__ import annotations

from vitrine_kit.problems import NotFound

from vitrine_users.accounts.errors import BadInput


class NoSuchApplication(NotFound):
    """No application has this id, or the person lets none such know anything."""

    def __init__(self) -> None:
        super().__init__("There is no application with this id.")


class BadAddress(BadInput):
    """An address that no browser may be sent to."""


class ProtocolError(Exception):
    """An error by its OAuth name; the description is for whoever writes the application."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status
