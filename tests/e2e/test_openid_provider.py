"""Another application of the shop signs people in, with a client library that knows nothing of Vitrine (Authlib)."""

from __future__ import annotations

import secrets
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from gateway_browser import Browser, form_values
from joserfc import jws, jwt
from joserfc.jwk import KeySet

pytestmark = pytest.mark.stack

USERS = "/api/users/v1"
BACK, AFTER = "https://wiki.example/back", "https://wiki.example/bye"
PASSWORD = "quiet harbour lantern seven"


@pytest.fixture(autouse=True)
def plain_http_on_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def registered(stack: Any, signature: str = "EdDSA") -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    body = {"name": "Wiki", "redirect_uris": [BACK], "logout_uris": [AFTER], "signature": signature}
    answer = httpx.post(f"{stack.url}{USERS}/applications", json=body, headers=headers, timeout=20)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def claims_of(id_token: str, keys: KeySet, issuer: str, client_id: str, nonce: str | None) -> dict[str, Any]:
    """The claims of an ID token, checked as a client has to (OpenID Connect Core 1.0, section 3.1.3.7)."""
    registry = jws.JWSRegistry(algorithms=["EdDSA", "RS256"])
    registry.algorithms = {**registry.algorithms, "EdDSA": registry.algorithms["Ed25519"]}
    claims = dict(jwt.decode(id_token, keys, algorithms=["EdDSA", "RS256"], registry=registry).claims)
    wanted = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    wanted.validate(claims)
    assert claims.get("nonce") == nonce
    return claims


async def signed_in(browser: Browser, url: str, email: str) -> dict[str, str]:
    """Goes where the application sends the browser, signs in, agrees; returns what the application is told."""
    left = await browser.get(url)
    assert left.status_code == 303, left.text
    page = left.headers["Location"]
    done = await browser.fill(page, {"email": email, "password": PASSWORD}, action="/sign-in")
    resumed = await browser.get(done.headers["Location"])
    asked = await browser.get(refreshed_to(resumed.text))
    assert "Sign in to Wiki?" in asked.text
    values = {**form_values(asked.text, "/oauth2/consent"), "decision": "allow"}
    agreed = await browser.send("POST", "/oauth2/consent", data=values)
    return told(refreshed_to(agreed.text))


def refreshed_to(page: str) -> str:
    return unescape(page.partition('content="0;url=')[2].partition('"')[0])


def told(url: str) -> dict[str, str]:
    assert url.startswith(BACK), url
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize("signature", ["EdDSA", "RS256"])
async def test_rule_43_a_library_signs_somebody_in_refreshes_revokes_and_signs_out(
    stack: Any, signature: str
) -> None:
    application, email = registered(stack, signature), f"{secrets.token_hex(6)}@example.org"
    discovery = httpx.get(f"{stack.url}/.well-known/openid-configuration", timeout=20).json()
    assert discovery["issuer"] == stack.url
    client = OAuth2Session(
        application["id"],
        application["client_secret"],
        scope="openid profile email offline_access",
        redirect_uri=BACK,
        code_challenge_method="S256",
    )
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as http:
        browser = Browser(http)
        body = {"email": email, "password": PASSWORD, "name": "Ada"}
        assert (await http.post(f"{USERS}/registrations", json=body)).status_code == 202
        verifier, nonce = secrets.token_urlsafe(40), secrets.token_urlsafe(16)
        url, state = client.create_authorization_url(
            discovery["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        answer = await signed_in(browser, url.removeprefix(stack.url), email)
        assert (answer["state"], answer["iss"]) == (state, stack.url)

        tokens = client.fetch_token(discovery["token_endpoint"], code=answer["code"], code_verifier=verifier)
        keys = KeySet.import_key_set(httpx.get(discovery["jwks_uri"], timeout=20).json())
        claims = claims_of(tokens["id_token"], keys, stack.url, application["id"], nonce)
        assert claims["email"] == email
        about = client.get(discovery["userinfo_endpoint"]).json()
        assert (about["sub"], about["name"]) == (claims["sub"], "Ada")

        again, state = client.create_authorization_url(
            discovery["authorization_endpoint"], code_verifier=verifier, prompt="none"
        )
        quiet = await browser.get(again.removeprefix(stack.url))
        assert told(quiet.headers["Location"])["state"] == state, "agreed once, asked no more"

        before = tokens["refresh_token"]
        renewed = client.refresh_token(discovery["token_endpoint"], refresh_token=before)
        assert renewed["refresh_token"] != before
        fresh = claims_of(renewed["id_token"], keys, stack.url, application["id"], None)
        assert fresh["auth_time"] == claims["auth_time"]
        asked = client.introspect_token(discovery["introspection_endpoint"], token=renewed["access_token"])
        assert asked.json()["active"] is True
        assert client.revoke_token(discovery["revocation_endpoint"], token=renewed["refresh_token"]).ok
        assert client.get(discovery["userinfo_endpoint"]).status_code == 401
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.refresh_token(discovery["token_endpoint"], refresh_token=renewed["refresh_token"])
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.fetch_token(discovery["token_endpoint"], code=answer["code"], code_verifier=verifier)

        bye = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": AFTER, "state": "s"}
        out = await browser.get("/oauth2/logout", params=bye)
        assert out.headers["Location"] == f"{AFTER}?state=s"
        gone = await browser.get(again.removeprefix(stack.url))
        assert told(gone.headers["Location"])["error"] == "login_required"


async def test_rule_43_a_request_without_a_challenge_or_for_another_address_gets_no_code(stack: Any) -> None:
    application = registered(stack)
    query = {"response_type": "code", "client_id": application["id"], "redirect_uri": BACK, "scope": "openid"}
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as http:
        refused = await http.get("/oauth2/authorize", params=query)
        assert told(refused.headers["Location"])["error"] == "invalid_request"
        elsewhere = await http.get(
            "/oauth2/authorize", params={**query, "redirect_uri": "https://evil.example/"}
        )
        assert elsewhere.status_code == 400
        assert "Location" not in elsewhere.headers
