"""A person's own pages: register, sign in and out, the profile, and leaving for good."""

from vitrine_gateway.account.routes import bp

__all__ = ["bp"]
