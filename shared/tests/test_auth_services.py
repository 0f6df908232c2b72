"""Service credentials: made for one neighbour, for a minute, and refused by all others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey
from key_source import Clock
from pydantic import SecretStr
from vitrine_kit import auth
from vitrine_kit.auth import services as services_module
from vitrine_kit.auth.jwt import SKEW_S, encode
from vitrine_kit.problems import Unauthenticated
from vitrine_kit.settings import ServiceSettings

SECRET = SecretStr("0123456789abcdef0123456789abcdef")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog_key() -> OKPKey:
    return auth.new_signing_key("catalog")


@pytest.fixture
def identity(catalog_key: OKPKey, clock: Clock) -> auth.ServiceIdentity:
    return auth.ServiceIdentity("catalog", catalog_key, clock=clock)


@pytest.fixture
def users(catalog_key: OKPKey, clock: Clock) -> auth.ServiceVerifier:
    return auth.ServiceVerifier(auth.public_jwks([catalog_key]), "users", clock=clock)


def test_a_neighbour_is_known_by_its_credential(
    identity: auth.ServiceIdentity, users: auth.ServiceVerifier
) -> None:
    credential = identity.credential_for("users")
    principal = users.verify(credential)

    assert principal.name == "catalog"
    assert principal.token_id == json.loads(jws.extract_compact(credential.encode()).payload)["jti"]
    assert users.verify(credential) is principal


def test_a_credential_is_for_one_neighbour_only(
    identity: auth.ServiceIdentity, users: auth.ServiceVerifier, logged: Callable[[str], list[dict[str, Any]]]
) -> None:
    with pytest.raises(Unauthenticated) as caught:
        users.verify(identity.credential_for("gateway"))
    assert caught.value.detail == "The service credential is not valid."
    [line] = logged("service_credential_refused")
    assert (line["reason"], line["level"]) == ("another audience", "warning")


def test_a_credential_is_used_again_while_15_seconds_of_it_remain(
    identity: auth.ServiceIdentity, clock: Clock
) -> None:
    first = identity.credential_for("users")
    clock.now += 45
    assert identity.credential_for("users") == first
    clock.now += 1
    assert identity.credential_for("users") != first


def test_a_credential_ends_after_its_minute(
    identity: auth.ServiceIdentity, users: auth.ServiceVerifier, clock: Clock
) -> None:
    credential = identity.credential_for("users")
    principal = users.verify(credential)
    clock.now += 60 + SKEW_S
    assert users.verify(credential) is principal
    clock.now += 1
    with pytest.raises(Unauthenticated):
        users.verify(credential)


def test_a_service_cannot_speak_for_another(
    catalog_key: OKPKey, users: auth.ServiceVerifier, clock: Clock
) -> None:
    claims = {
        "iss": "gateway", "sub": "gateway", "aud": "users", "jti": "1", "iat": clock.now, "exp": clock.now + 60,
    }  # fmt: skip
    with pytest.raises(Unauthenticated):
        users.verify(encode(catalog_key, typ="svc+jwt", claims=claims))


@pytest.mark.parametrize(
    ("typ", "changes"),
    [
        ("at+jwt", {}),
        ("svc+jwt", {"exp": 1_800_000_061}),
        ("svc+jwt", {"aud": "vitrine"}),
        ("svc+jwt", {"sub": ""}),
    ],
)
def test_other_tokens_are_refused(
    catalog_key: OKPKey, users: auth.ServiceVerifier, typ: str, changes: dict[str, Any]
) -> None:
    claims = {
        "iss": "catalog", "sub": "catalog", "aud": "users", "jti": "1", "iat": 1_800_000_000, "exp": 1_800_000_060,
    }  # fmt: skip
    users.verify(encode(catalog_key, typ="svc+jwt", claims=claims))
    with pytest.raises(Unauthenticated):
        users.verify(encode(catalog_key, typ=typ, claims={**claims, **changes}))


def test_an_unknown_service_is_refused(users: auth.ServiceVerifier, clock: Clock) -> None:
    stranger = auth.ServiceIdentity("stranger", auth.new_signing_key("stranger"), clock=clock)
    with pytest.raises(Unauthenticated):
        users.verify(stranger.credential_for("users"))


def test_the_memory_of_verdicts_is_bounded(
    catalog_key: OKPKey, users: auth.ServiceVerifier, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services_module, "MAX_VERDICTS", 2)
    for _ in range(5):
        users.verify(auth.ServiceIdentity("catalog", catalog_key, clock=clock).credential_for("users"))
    assert len(users._verdicts) == 2


def test_both_sides_come_from_settings(catalog_key: OKPKey) -> None:
    settings = ServiceSettings(
        secret_key=SECRET,
        service_key=SecretStr(json.dumps(catalog_key.as_dict(private=True))),
        neighbour_keys=json.dumps(auth.public_jwks([catalog_key])),
    )
    identity = auth.ServiceIdentity.from_settings(settings)
    assert identity is not None
    assert (
        auth.ServiceVerifier.from_settings(settings, "users").verify(identity.credential_for("users")).name
        == "catalog"
    )


def test_without_a_key_a_service_has_no_identity() -> None:
    assert auth.ServiceIdentity.from_settings(ServiceSettings(secret_key=SECRET)) is None


NAMED = auth.new_signing_key("x").as_dict(private=True)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("nonsense", "VITRINE_SERVICE_KEY is not a JWK"),
        ("[]", "VITRINE_SERVICE_KEY is not a JWK"),
        (
            json.dumps(auth.new_signing_key("catalog").as_dict(private=False)),
            "VITRINE_SERVICE_KEY is not a private Ed25519 key",
        ),
        (json.dumps(ECKey.generate_key("P-256").as_dict(private=True)), "VITRINE_SERVICE_KEY is not a JWK"),
        (
            json.dumps(OKPKey.generate_key("Ed448", {"kid": "x"}).as_dict(private=True)),
            "VITRINE_SERVICE_KEY is not a private Ed25519 key",
        ),
        (
            json.dumps({name: value for name, value in NAMED.items() if name != "kid"}),
            "VITRINE_SERVICE_KEY has no kid: the service's name",
        ),
    ],
)
def test_a_key_that_is_no_key_stops_the_service(value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        auth.ServiceIdentity.from_settings(ServiceSettings(secret_key=SECRET, service_key=SecretStr(value)))


def test_a_key_must_bear_the_name_of_its_service() -> None:
    with pytest.raises(ValueError, match="kid"):
        auth.ServiceIdentity("users", auth.new_signing_key("catalog"))
