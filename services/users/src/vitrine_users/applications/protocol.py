"""The endpoints programs talk to: tokens, userinfo, revocation, introspection, discovery, keys.

They speak OAuth and OpenID Connect, forms in and their own errors out. The discovery document tells of them, not the
API's: they are no operations of the API.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import orjson
from flask import Blueprint, Response, request
from sqlalchemy import RowMapping
from vitrine_kit.auth.jwt import InvalidToken
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address

from vitrine_users.applications import queries
from vitrine_users.applications.errors import ProtocolError
from vitrine_users.applications.grants import Grants
from vitrine_users.applications.requests import PROMPTS, SCOPES
from vitrine_users.applications.service import find_client
from vitrine_users.applications.tokens import ALGORITHMS, claims_about
from vitrine_users.secrets import digest_of
from vitrine_users.state import current_users

protocol = Blueprint("oauth2", __name__)

FORM = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 32 * 1024
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
FOR_ALL = {"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}


@protocol.get("/.well-known/openid-configuration")
@protocol.get("/.well-known/oauth-authorization-server")
async def discovery() -> Response:
    """What this provider offers, and where (OpenID Connect Discovery 1.0; RFC 8414)."""
    issuer = current_users().settings.public_url
    endpoints = ("authorization", "token", "userinfo", "revocation", "introspection", "end_session")
    paths = {"authorization": "authorize", "end_session": "logout"}
    paths |= {"revocation": "revoke", "introspection": "introspect"}
    methods = ["client_secret_basic", "client_secret_post", "none"]
    found = {
        "issuer": issuer,
        **{f"{name}_endpoint": f"{issuer}/oauth2/{paths.get(name, name)}" for name in endpoints},
        "jwks_uri": f"{issuer}/oauth2/jwks.json",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods[:2],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": sorted(PROMPTS),
        "acr_values_supported": ["aal1", "aal2"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr",
            "name", "locale", "zoneinfo", "updated_at", "email", "email_verified", "roles",
        ],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }  # fmt: skip
    return _answer(found, headers=FOR_ALL)


@protocol.get("/oauth2/jwks.json")
async def jwks() -> Response:
    """The public keys of ID tokens and access tokens. Nobody between us keeps them: a new RSA key signs at once."""
    headers = {**FOR_ALL, "Cache-Control": "no-cache"}
    return _answer(await current_users().application_tokens.jwks(), headers=headers)


@protocol.post("/oauth2/token")
async def token() -> Response:
    """Tokens for a code, or for a refresh token (RFC 6749, sections 4.1.3 and 6)."""
    try:
        form = _form()
        application = await _client(form)
        grants = _grants()
        kinds = {"authorization_code": grants.redeem, "refresh_token": grants.renew}
        redeem = kinds.get(form.get("grant_type", ""))
        if redeem is None:
            raise ProtocolError("unsupported_grant_type", "Only authorization_code and refresh_token are.")
        return _answer(await redeem(application, form, address=client_address()))
    except ProtocolError as error:
        return _refusal(error)


@protocol.route("/oauth2/userinfo", methods=["GET", "POST"])
async def userinfo() -> Response:
    """What the access token's application may know of the person (OpenID Connect Core 1.0, section 5.3)."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        return _answer({}, 401, {"WWW-Authenticate": "Bearer"})
    try:
        grant_id, claims = await current_users().application_tokens.read_access_token(given.strip())
        grant = await queries.find_grant(current_database(), grant_id)
    except InvalidToken:
        grant = None
    if grant is None:
        refused = {"error": "invalid_token", "error_description": "The access token is not valid (any more)."}
        return _answer(refused, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    scopes = str(claims.get("scope", "")).split()
    return _answer({"sub": str(grant["id"]), **claims_about(grant, scopes)})


@protocol.post("/oauth2/revoke")
async def revoke() -> Response:
    """Ends the sign-in a token belongs to; what is no token of the application is ignored (RFC 7009)."""
    try:
        form = _form()
        application = await _client(form)
        if not form.get("token"):
            raise ProtocolError("invalid_request", "token is needed.")
        await _grants().end(application, form["token"], address=client_address())
    except ProtocolError as error:
        return _refusal(error)
    return Response(status=200, headers=NO_STORE)


@protocol.post("/oauth2/introspect")
async def introspect() -> Response:
    """Whether a token of the application that asks is good (RFC 7662); for those that have a secret."""
    try:
        form = _form()
        application = await _client(form)
        if application["secret_digest"] is None:
            raise ProtocolError("invalid_client", "Only applications with a secret may ask.", status=401)
        if not form.get("token"):
            raise ProtocolError("invalid_request", "token is needed.")
        grant = await _grants().find(application, form["token"])
    except ProtocolError as error:
        return _refusal(error)
    if grant is None:
        return _answer({"active": False})
    found = {
        "active": True,
        "client_id": str(application["id"]),
        "sub": str(grant["id"]),
        "iss": current_users().settings.public_url,
        "scope": " ".join(sorted(grant["scopes"])),
        "exp": int(grant["expires_at"].timestamp()),
    }
    return _answer(found)


def _grants() -> Grants:
    users = current_users()
    return Grants(current_database(), users.settings, users.application_tokens, users.application_refresh)


def _form() -> dict[str, str]:
    """The form, each name given once (RFC 6749, section 3.2).

    Raises:
        ProtocolError: it is none, or too large.
    """
    request.max_content_length = MAX_FORM_BYTES
    request.max_form_memory_size = MAX_FORM_BYTES
    if request.mimetype != FORM:
        raise ProtocolError("invalid_request", f"Send {FORM}.")
    if request.args:
        raise ProtocolError("invalid_request", "Nothing is taken from the address.")
    found = {}
    for name, values in request.form.lists():
        if len(values) > 1:
            raise ProtocolError("invalid_request", "Each parameter is sent once.")
        if "\0" in values[0]:
            raise ProtocolError("invalid_request", "NUL characters are not allowed.")
        if values[0]:
            found[name] = values[0]
    return found


async def _client(form: Mapping[str, str]) -> RowMapping:
    """The application that asks, by one way of authenticating (RFC 6749, section 2.3).

    Raises:
        ProtocolError: it is unknown, or its secret wrong: which of these is not said.
    """
    header = request.headers.get("Authorization")
    by_header = header is not None
    client_id, secret = (
        _basic(header) if header is not None else (form.get("client_id"), form.get("client_secret"))
    )
    if by_header and ("client_secret" in form or form.get("client_id", client_id) != client_id):
        raise ProtocolError("invalid_request", "Authenticate in one way.")
    application = await find_client(current_database(), client_id)
    digest = None if application is None else application["secret_digest"]
    given = digest_of(secret or "")
    right = hmac.compare_digest(given, digest) if digest is not None else secret is None
    if application is None or not right:
        # Secrets have 256 random bits: what is counted here is noise, not guesses that could succeed.
        await current_users().guesses.from_address(client_address())
        raise ProtocolError("invalid_client", "The application is unknown, or its secret wrong.", status=401)
    return application


def _basic(header: str) -> tuple[str | None, str | None]:
    scheme, _, given = header.partition(" ")
    try:
        text = base64.b64decode(given.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    name, colon, secret = text.partition(":")
    # Both parts are form-encoded first; ours hold nothing that this changes.
    return (unquote_plus(name), unquote_plus(secret)) if colon else (None, "")


def _answer(found: Any, status: int = 200, headers: Mapping[str, str] = NO_STORE) -> Response:
    response = Response(orjson.dumps(found), status=status, content_type="application/json")
    response.headers.update({**(NO_STORE if "Cache-Control" not in headers else {}), **headers})
    return response


def _refusal(error: ProtocolError) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="vitrine"'} if error.status == 401 else {}
    body = {"error": error.error, "error_description": error.description}
    return _answer(body, error.status, headers)
