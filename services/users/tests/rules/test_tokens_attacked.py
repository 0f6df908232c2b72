"""Rules 36 to 38: access tokens with the right signature and anything else wrong are refused, at every door."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from users_world import API, Person, World
from vitrine_kit.ids import new_id
from vitrine_kit.testing import PUBLIC_URL


def encoded(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Forger:
    """Whoever has the real key, or only its public half, and signs what we would not."""

    def __init__(self, jwk: dict[str, Any], sub: str, sid: str) -> None:
        self.kid = jwk["kid"]
        self.public_jwk = {name: jwk[name] for name in ("kty", "crv", "x")}
        self._key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(jwk["d"] + "=="))
        self.header = {"alg": "Ed25519", "typ": "at+jwt", "kid": self.kid}
        now = int(time.time())
        self.claims: dict[str, Any] = {
            "iss": PUBLIC_URL,
            "aud": "vitrine",
            "sub": sub,
            "sid": sid,
            "iat": now,
            "exp": now + 300,
            "jti": str(new_id()),
            "roles": ["customer"],
            "perms": [],
            "name": "Forged",
        }

    def token(
        self, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, sign: str = "key"
    ) -> str:
        """A token with these members changed; a member that is None is left out."""
        parts = []
        for base, changes in ((self.header, header), (self.claims, claims)):
            merged = base | (changes or {})
            parts.append(encoded({name: value for name, value in merged.items() if value is not None}))
        text = ".".join(parts)
        return f"{text}.{encoded(self._signature(text.encode(), sign))}"

    def _signature(self, text: bytes, sign: str) -> bytes:
        public = self._key.public_key()
        if sign == "nothing":
            return b""
        if sign == "hmac-raw":
            return hmac.digest(public.public_bytes(Encoding.Raw, PublicFormat.Raw), text, "sha256")
        if sign == "hmac-pem":
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            return hmac.digest(pem, text, "sha256")
        if sign == "hmac-jwk":
            return hmac.digest(json.dumps(self.public_jwk).encode(), text, "sha256")
        return self._key.sign(text)


@pytest.fixture
async def forger(world: World) -> Forger:
    person = await world.person()
    payload = person.tokens["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    # The real thing: what is refused below is refused for its own fault.
    key = await world.app.extensions["vitrine_users"].keyring._signing_key()
    return Forger(key.as_dict(private=True), claims["sub"], claims["sid"])


async def doors(world: World, token: str) -> set[int]:
    """What each door says: the service's own, and the one that Nginx asks."""
    headers = {"Authorization": f"Bearer {token}"}
    answers = [await world.client.get(path, headers=headers) for path in (f"{API}/me", "/edge/identity")]
    assert all(
        answer.headers["Content-Type"] == "application/problem+json"
        for answer in answers
        if answer.status_code >= 400
    )
    return {200 if answer.status_code == 204 else answer.status_code for answer in answers}


async def test_the_forgers_own_key_is_good(world: World, forger: Forger) -> None:
    assert await doors(world, forger.token()) == {200}


@pytest.mark.parametrize(
    ("header", "sign"),
    [
        ({"alg": "none"}, "nothing"),
        ({"alg": "None"}, "nothing"),
        ({"alg": "nOnE"}, "key"),
        ({"alg": ""}, "key"),
        ({"alg": None}, "key"),
        ({"alg": "HS256"}, "hmac-raw"),
        ({"alg": "HS256"}, "hmac-pem"),
        ({"alg": "HS256"}, "hmac-jwk"),
        ({"alg": "EdDSA"}, "key"),
        ({"alg": "ES256"}, "key"),
        ({"alg": ["Ed25519"]}, "key"),
        ({"jku": "https://evil.example/jwks.json"}, "key"),
        ({"x5u": "https://evil.example/cert.pem"}, "key"),
        ({"x5c": ["MIIB"]}, "key"),
        ({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}}, "key"),
        ({"crit": ["exp"]}, "key"),
        ({"crit": []}, "key"),
        ({"b64": False, "crit": ["b64"]}, "key"),
        ({"zip": "DEF"}, "key"),
        ({"kid": "../../etc/passwd"}, "key"),
        ({"kid": None}, "key"),
        ({"kid": 1}, "key"),
        ({}, "nothing"),
    ],
)
async def test_rule_36_a_header_that_would_choose_the_key_or_the_algorithm_is_refused(
    world: World, forger: Forger, header: dict[str, Any], sign: str
) -> None:
    assert await doors(world, forger.token(header, sign=sign)) == {401}


@pytest.mark.parametrize(
    "header",
    [{"typ": "JWT"}, {"typ": None}, {"typ": "svc+jwt"}, {"typ": "id+jwt"}, {"typ": "application/at+jwt"}],
)
async def test_rule_37_another_kind_of_token_is_refused(
    world: World, forger: Forger, header: dict[str, Any]
) -> None:
    assert await doors(world, forger.token(header)) == {401}


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": ["another"]},
        {"exp": None},
        {"exp": 1},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 10**12},
        {"iat": None},
        {"iat": 10**12},
        {"nbf": 10**11},
        {"sub": None},
        {"sub": ""},
        {"sub": "nobody"},
        {"jti": None},
        {"sid": None},
        {"sid": "none"},
        {"sid": ["x"]},
        {"auth_time": "now"},
        {"roles": "owner"},
        {"perms": {"users:write": True}},
    ],
)
async def test_rule_37_claims_that_are_wrong_or_missing_are_refused(
    world: World, forger: Forger, claims: dict[str, Any]
) -> None:
    assert await doors(world, forger.token(claims=claims)) == {401}


async def test_rule_37_other_secrets_of_ours_are_no_access_tokens(world: World, owner: Person) -> None:
    session = await world.begin_session((await world.person()).email)
    person = await world.person()
    for credential in (
        person.tokens["refresh_token"],
        session["session"],
        world.neighbour()["X-Vitrine-Service"],
        world.keys.token(["users:write"]),
    ):
        assert await doors(world, credential) == {401}


async def test_rule_38_no_access_token_lives_longer_than_ten_minutes(world: World, forger: Forger) -> None:
    now = int(time.time())

    assert await doors(world, forger.token(claims={"iat": now, "exp": now + 601})) == {401}
    assert await doors(world, forger.token(claims={"iat": now - 700, "exp": now - 100})) == {401}
    person = await world.person()
    claims = json.loads(base64.urlsafe_b64decode(person.tokens["access_token"].split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] <= 600


async def test_rights_in_a_forged_token_are_bounded_by_what_its_person_has(
    world: World, forger: Forger
) -> None:
    """Also with the real key nobody gets more than the tables say."""
    token = forger.token(claims={"perms": ["users:write", "users:read"], "roles": ["owner"]})
    headers = {"Authorization": f"Bearer {token}"}

    assert (await world.client.get(f"{API}/users", headers=headers)).status_code == 403


async def test_rule_44_a_service_credential_is_short_and_for_one_neighbour(world: World) -> None:
    credential = world.neighbour()["X-Vitrine-Service"]
    claims = json.loads(base64.urlsafe_b64decode(credential.split(".")[1] + "=="))

    assert claims["exp"] - claims["iat"] <= 60
    assert claims["aud"] == "users"
    elsewhere = world.neighbour(target="catalog")
    answer = await world.client.post("/internal/people", json={"ids": []}, headers=elsewhere)
    assert answer.status_code == 401
