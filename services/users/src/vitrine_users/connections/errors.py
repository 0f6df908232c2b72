"""What can go wrong with connections.

Problem
├── Forbidden 403: NotConnected, NoConfirmedAddress, AddressHasAccount, ProviderRefused
├── Conflict 409: ConnectedElsewhere, LastWayIn
├── Gone 410: VisitEnded
├── NotFound 404: NoSuchProvider, NoSuchConnection
└── FailedDependency 424: ProviderUnavailable
"""

from __future__ import annotations

from vitrine_kit.problems import Conflict, Forbidden, Gone, NotFound, Problem


class NoSuchProvider(NotFound):
    """No provider of this name is in the settings."""

    def __init__(self) -> None:
        super().__init__("There is no such provider.")


class NoSuchConnection(NotFound):
    """The account has no such connection."""

    def __init__(self) -> None:
        super().__init__("There is no connection with this id.")


class VisitEnded(Gone):
    """Whoever comes back was not sent from this browser, has come back before, or took too long."""

    def __init__(self) -> None:
        super().__init__("This sign-in has ended, or was begun elsewhere. Begin again.")


class ProviderUnavailable(Problem):
    """The provider does not answer, or not in a way that can be understood; `reason` is for the log.

    No 503: this service is well, and its callers must not hold back what has nothing to do with the provider.
    """

    status, slug, title = 424, "provider-unavailable", "The provider cannot be reached"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be reached right now. Sign in another way, or try again later.")
        self.reason = reason


class ProviderRefused(Forbidden):
    """The provider says no, or what it says cannot be believed; `reason` is for the log."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} did not sign you in.")
        self.reason = reason


class NoConfirmedAddress(Forbidden):
    """A new person whose provider does not say that their e-mail address is theirs."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} does not vouch for an e-mail address of yours. Make an account with your address first, and"
            f" connect {name} to it afterwards."
        )


class AddressHasAccount(Forbidden):
    """The address belongs to an account, to which nothing is joined without a proof of both."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is an account with this e-mail address already. Sign in to it as you did before, then connect"
            f" {name} on the page “Ways to sign in”."
        )


class ConnectedElsewhere(Conflict):
    """The account at the provider signs in to another account here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This account at {name} is connected to another account here.")


class NotConnected(Forbidden):
    """Somebody came back with another account than the one that is connected."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This account at {name} is not connected to yours.")


class LastWayIn(Conflict):
    """Without this connection nobody could sign in to the account any more."""

    def __init__(self) -> None:
        super().__init__("This is your only way to sign in. Choose a password or add a passkey first.")
