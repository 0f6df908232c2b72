"""What can go wrong with webhooks."""

from __future__ import annotations

from vitrine_kit.problems import Conflict, FieldError, NotFound, Unprocessable


class NoSuchEndpoint(NotFound):
    """No endpoint has this id."""

    def __init__(self) -> None:
        super().__init__("There is no webhook with this id.")


class NoSuchDelivery(NotFound):
    """The endpoint has no delivery with this id, or not any more."""

    def __init__(self) -> None:
        super().__init__("There is no such delivery of this webhook. They are kept for thirty days.")


class TooManyEndpoints(Conflict):
    """The shop has as many endpoints as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"There can be {limit} webhooks. Delete one first.")


class EndpointDisabled(Conflict):
    """Something was to be sent to an endpoint that is switched off."""

    def __init__(self) -> None:
        super().__init__("This webhook is switched off. Switch it on first.")


class BadEndpointUrl(Unprocessable):
    """The address is none that webhooks may be sent to."""

    def __init__(self, *, private: bool) -> None:
        scheme = "an http:// or https://" if private else "a public https://"
        message = f"Give {scheme} address, without a user and without a #part."
        super().__init__(message, errors=[FieldError("url", message)])
