"""Reading an application's request to sign somebody in (OpenID Connect Core 1.0, section 3.1.2); stores nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from vitrine_users.applications.errors import ProtocolError

SCOPES = {
    "openid": "know that it is you",
    "profile": "know your name, language and time zone",
    "email": "know your e-mail address",
    "roles": "know your roles in this shop",
    "offline_access": "know all of this also while you are away",
}
"""What applications may ask for, and how people are told of it."""

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_CHALLENGE = re.compile(r"^[A-Za-z0-9_-]{43}$")
_UNSUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
MAX_STATE_CHARS = 2000
MAX_NONCE_CHARS = 500


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What an application asks for."""

    scopes: frozenset[str]
    nonce: str | None
    code_challenge: str
    prompt: frozenset[str]
    max_age_s: int | None

    @property
    def asks_to_prove_again(self) -> bool:
        """Whether the person has to prove who they are for this very request."""
        return not self.prompt.isdisjoint({"login", "select_account"}) or self.max_age_s == 0


def read_request(query: Mapping[str, str]) -> AuthorizationRequest:
    """The request of an application whose address to answer to is known to be its own.

    Raises:
        ProtocolError: it asks for what is not offered, or is malformed; to be told to the application.
    """
    for name, error in _UNSUPPORTED.items():
        if name in query:
            raise ProtocolError(error, f"{name} is not taken here.")
    if query.get("response_type") != "code":
        raise ProtocolError("unsupported_response_type", "Only response_type=code is offered.")
    if query.get("response_mode", "query") != "query":
        raise ProtocolError("invalid_request", "Only response_mode=query is offered.")
    if len(query.get("state", "")) > MAX_STATE_CHARS or len(query.get("nonce", "")) > MAX_NONCE_CHARS:
        raise ProtocolError("invalid_request", "state or nonce is too long.")
    asked = frozenset(query.get("scope", "").split())
    if "openid" not in asked:
        raise ProtocolError("invalid_scope", "The scope must hold openid.")
    challenge = query.get("code_challenge", "")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.match(challenge):
        raise ProtocolError(
            "invalid_request", "PKCE is required: code_challenge, and code_challenge_method=S256."
        )
    prompt = frozenset(query.get("prompt", "").split())
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise ProtocolError(
            "invalid_request", "prompt is none, or some of login, consent and select_account."
        )
    max_age = query.get("max_age")
    if max_age is not None and not re.fullmatch(r"[0-9]{1,9}", max_age):
        raise ProtocolError("invalid_request", "max_age is a number of seconds.")
    return AuthorizationRequest(
        scopes=asked & SCOPES.keys(),
        nonce=query.get("nonce") or None,
        code_challenge=challenge,
        prompt=prompt,
        max_age_s=None if max_age is None else int(max_age),
    )
