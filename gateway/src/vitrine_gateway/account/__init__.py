"""A person's own pages: register, sign in and out, links by mail, the profile, factors, and leaving for good."""

from vitrine_gateway.account import (
    address,
    applications,
    confirm,
    connections,
    invitations,
    leaving,
    links,
    picture,
    recovery,
    registration,
    second_step,
    security,
    sign_ins,
    tokens,
)
from vitrine_gateway.account.routes import bp

__all__ = [
    "address",
    "applications",
    "bp",
    "confirm",
    "connections",
    "invitations",
    "leaving",
    "links",
    "picture",
    "recovery",
    "registration",
    "second_step",
    "security",
    "sign_ins",
    "tokens",
]
