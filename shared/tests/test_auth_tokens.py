"""Access tokens: what a verifier takes, what it refuses, and how it lives with keys that change or cannot be had."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey
from key_source import Clock, Keyring
from vitrine_kit import auth
from vitrine_kit.auth import tokens as tokens_module
from vitrine_kit.auth.jwt import SKEW_S, encode, import_keys
from vitrine_kit.problems import Unauthenticated, Unavailable

ISSUER = "https://shop.example"
USER = UUID("01890000-0000-7000-8000-000000000001")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key() -> OKPKey:
    return auth.new_signing_key("first")


@pytest.fixture
def keyring(key: OKPKey) -> Keyring:
    return Keyring(key)


@pytest.fixture
def verifier(keyring: Keyring, clock: Clock) -> auth.TokenVerifier:
    return auth.TokenVerifier(keyring, ISSUER, clock=clock)


def signed(key: OKPKey, clock: Clock, **changes: Any) -> str:
    wanted: dict[str, Any] = {
        "issuer": ISSUER,
        "user_id": USER,
        "roles": ["editor"],
        "permissions": ["catalog:write"],
    }
    return auth.sign_access_token(key, **{**wanted, "now_s": clock.now, **changes})


def forged(key: Any, clock: Clock, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """A token made by hand, as an attacker would; a claim set to None is left out."""
    claims = {
        "iss": ISSUER, "aud": "vitrine", "sub": str(USER), "jti": "t", "iat": int(clock.now),
        "exp": int(clock.now) + 300, "roles": [], "perms": [],
    }  # fmt: skip
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    head = {"alg": "Ed25519", "typ": "at+jwt", "kid": "first", **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    if "crit" in head:  # the library refuses to sign such a header
        signing_input = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in (head, claims)
        )
        signature = (
            base64.urlsafe_b64encode(key.private_key.sign(signing_input.encode())).decode().rstrip("=")
        )
        return f"{signing_input}.{signature}"
    return jws.serialize_compact(head, json.dumps(claims), key, algorithms=[head["alg"]])


async def refused(verifier: auth.TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(token)
    assert caught.value.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_a_signed_token_names_its_principal(
    verifier: auth.TokenVerifier, key: OKPKey, clock: Clock
) -> None:
    principal = await verifier.verify(signed(key, clock, name="Ada", session_id="s1"))

    assert (principal.user_id, principal.roles, principal.permissions) == (
        USER,
        ("editor",),
        {"catalog:write"},
    )
    assert (principal.name, principal.session_id) == ("Ada", "s1")
    assert principal.may("catalog:write")
    assert not principal.may("users:roles")


def test_the_signer_uses_its_issuer_and_the_fully_specified_algorithm(key: OKPKey) -> None:
    token = auth.TokenSigner(key, ISSUER).sign(user_id=USER, roles=[], permissions=[])

    header, payload, _ = (
        json.loads(base64.urlsafe_b64decode(part + "==")) for part in [*token.split(".")[:2], "e30"]
    )
    assert header == {"alg": "Ed25519", "typ": "at+jwt", "kid": "first"}
    assert payload["iss"] == ISSUER
    assert payload["exp"] - payload["iat"] == 600


def test_no_token_is_signed_that_verifiers_would_refuse(key: OKPKey) -> None:
    for lifetime_s in (0, 601):
        with pytest.raises(ValueError, match="600"):
            auth.sign_access_token(
                key, issuer=ISSUER, user_id=USER, roles=[], permissions=[], lifetime_s=lifetime_s
            )


def test_the_published_keys_are_public(key: OKPKey) -> None:
    [published] = auth.public_jwks([key])["keys"]
    assert published.keys() == {"kty", "crv", "x", "kid", "use", "alg"}


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": ["a", "b"]},
        {"sub": None}, {"sub": "ada"}, {"sub": ""}, {"sub": 7}, {"jti": None}, {"iat": None}, {"exp": None},
        {"exp": "tomorrow"}, {"exp": True}, {"iat": False}, {"roles": "owner"}, {"perms": [1]},
    ],
)  # fmt: skip
async def test_wrong_claims_are_refused(
    verifier: auth.TokenVerifier, key: OKPKey, clock: Clock, changes: dict[str, Any]
) -> None:
    await refused(verifier, forged(key, clock, **changes))


async def test_the_audience_may_be_one_of_several(
    verifier: auth.TokenVerifier, key: OKPKey, clock: Clock
) -> None:
    assert (await verifier.verify(forged(key, clock, aud=["other", "vitrine"]))).user_id == USER


async def test_times_are_taken_with_a_minute_of_skew(
    verifier: auth.TokenVerifier, key: OKPKey, clock: Clock
) -> None:
    now = int(clock.now)
    await verifier.verify(forged(key, clock, iat=now - 300, exp=now - SKEW_S))
    await verifier.verify(forged(key, clock, iat=now + SKEW_S, exp=now + 300))
    await verifier.verify(forged(key, clock, nbf=now + SKEW_S))

    await refused(verifier, forged(key, clock, iat=now - 300, exp=now - SKEW_S - 1))
    await refused(verifier, forged(key, clock, iat=now + SKEW_S + 1, exp=now + 300))
    await refused(verifier, forged(key, clock, nbf=now + SKEW_S + 1))
    await refused(verifier, forged(key, clock, exp=now + 601))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"}, {"typ": "svc+jwt"}, {"typ": None}, {"kid": None}, {"kid": ""}, {"jku": "https://evil.example"},
        {"x5u": "https://evil.example"}, {"crit": ["exp"]}, {"cty": "JWT"},
    ],
)  # fmt: skip
async def test_other_headers_are_refused(
    verifier: auth.TokenVerifier, key: OKPKey, clock: Clock, header: dict[str, Any]
) -> None:
    await refused(verifier, forged(key, clock, header=header))


async def test_a_key_in_the_header_is_refused(verifier: auth.TokenVerifier, clock: Clock) -> None:
    own = auth.new_signing_key("first")
    await refused(verifier, forged(own, clock, header={"jwk": own.as_dict(private=False)}))


async def test_another_key_of_the_same_name_is_refused(verifier: auth.TokenVerifier, clock: Clock) -> None:
    await refused(verifier, forged(auth.new_signing_key("first"), clock))


async def test_no_other_algorithm_is_taken(verifier: auth.TokenVerifier, key: OKPKey, clock: Clock) -> None:
    public = OctKey.import_key(key.as_dict(private=False)["x"], {"kid": "first"})
    await refused(verifier, forged(public, clock, header={"alg": "HS256"}))
    await refused(
        verifier, forged(ECKey.generate_key("P-256", {"kid": "first"}), clock, header={"alg": "ES256"})
    )
    await refused(
        verifier, forged(OKPKey.generate_key("Ed448", {"kid": "first"}), clock, header={"alg": "Ed448"})
    )
    good = forged(key, clock)
    for name in ("none", "None", "EdDSA"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": name, "typ": "at+jwt", "kid": "first"}).encode())
        payload, signature = good.split(".")[1:]
        await refused(verifier, f"{head.decode().rstrip('=')}.{payload}.{signature}")
        await refused(verifier, f"{head.decode().rstrip('=')}.{payload}.")


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b", "a.b.c", "é.b.c", "W10.e30.e30", "bnVsbA.e30.e30", "." * 9, "a" * 8193, "e30.e30.e30"],
)
async def test_what_is_no_token_is_refused(verifier: auth.TokenVerifier, token: str) -> None:
    await refused(verifier, token)


async def test_a_changed_payload_is_refused(verifier: auth.TokenVerifier, key: OKPKey, clock: Clock) -> None:
    head, payload, signature = forged(key, clock).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    more = (
        base64.urlsafe_b64encode(json.dumps({**claims, "perms": ["users:roles"]}).encode())
        .decode()
        .rstrip("=")
    )
    await refused(verifier, f"{head}.{more}.{signature}")
    not_json = base64.urlsafe_b64encode(b"[1]").decode().rstrip("=")
    await refused(verifier, f"{head}.{not_json}.{signature}")


async def test_a_service_credential_is_no_access_token(
    verifier: auth.TokenVerifier, key: OKPKey, clock: Clock
) -> None:
    claims = {
        "iss": ISSUER,
        "aud": "vitrine",
        "sub": str(USER),
        "iat": clock.now,
        "exp": clock.now + 60,
        "jti": "t",
    }
    await refused(verifier, encode(key, typ="svc+jwt", claims=claims))


async def test_the_signature_of_a_token_is_checked_once(
    verifier: auth.TokenVerifier, key: OKPKey, clock: Clock
) -> None:
    token = signed(key, clock)
    first = await verifier.verify(token)

    assert verifier.peek(token) is first
    assert await verifier.verify(token) is first


async def test_a_remembered_verdict_ends_with_the_token(
    verifier: auth.TokenVerifier, key: OKPKey, clock: Clock
) -> None:
    token = signed(key, clock, lifetime_s=30)
    await verifier.verify(token)
    clock.now += 30 + SKEW_S + 1

    assert verifier.peek(token) is None
    await refused(verifier, token)


async def test_the_memory_of_verdicts_is_bounded(
    keyring: Keyring, key: OKPKey, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "MAX_VERDICTS", 3)
    verifier = auth.TokenVerifier(keyring, ISSUER, clock=clock)
    shown = [signed(key, clock) for _ in range(4)]
    for token in shown:
        await verifier.verify(token)

    assert [verifier.peek(token) is not None for token in shown] == [False, True, True, True]


async def test_a_new_key_is_fetched_when_a_token_names_it(
    verifier: auth.TokenVerifier, keyring: Keyring, key: OKPKey, clock: Clock
) -> None:
    await verifier.verify(signed(key, clock))
    second = auth.new_signing_key("second")
    keyring.keys.append(second)
    clock.now += 10

    await verifier.verify(signed(second, clock))

    assert keyring.asked == 2


async def test_invented_key_ids_do_not_flood_the_users_service(
    verifier: auth.TokenVerifier, keyring: Keyring, key: OKPKey, clock: Clock
) -> None:
    await verifier.verify(signed(key, clock))
    for _ in range(20):
        await refused(verifier, signed(auth.new_signing_key(str(uuid4())), clock))
    assert keyring.asked == 1

    clock.now += 10
    await refused(verifier, signed(auth.new_signing_key("unknown"), clock))
    assert keyring.asked == 2


async def test_requests_that_wait_for_keys_share_one_fetch(
    verifier: auth.TokenVerifier, keyring: Keyring, key: OKPKey, clock: Clock
) -> None:
    await asyncio.gather(*(verifier.verify(signed(key, clock)) for _ in range(10)))
    assert keyring.asked == 1


async def test_known_keys_go_on_serving_while_users_is_away(
    verifier: auth.TokenVerifier, keyring: Keyring, key: OKPKey, clock: Clock
) -> None:
    await verifier.verify(signed(key, clock))
    keyring.away = True
    clock.now += 3600

    assert (await verifier.verify(signed(key, clock))).user_id == USER
    with pytest.raises(Unavailable) as caught:
        await verifier.verify(signed(auth.new_signing_key("newer"), clock))
    assert int(caught.value.headers["Retry-After"]) > 0


async def test_without_any_key_the_answer_is_unavailable_until_there_is_one(
    verifier: auth.TokenVerifier, keyring: Keyring, key: OKPKey, clock: Clock
) -> None:
    keyring.away = True
    with pytest.raises(Unavailable):
        await verifier.verify(signed(key, clock))
    keyring.away = False
    clock.now += 1

    assert (await verifier.verify(signed(key, clock))).user_id == USER


async def test_a_withdrawn_key_stops_working_though_its_token_is_remembered(
    verifier: auth.TokenVerifier, keyring: Keyring, key: OKPKey, clock: Clock
) -> None:
    token = signed(key, clock)
    await verifier.verify(token)
    keyring.keys = [auth.new_signing_key("second")]
    clock.now += 61
    with pytest.raises(Unauthenticated):
        async with asyncio.timeout(5):
            while True:  # the first of these starts the fetch, and does not wait for it
                await verifier.verify(token)
                await asyncio.sleep(0)
    assert keyring.asked == 2


async def test_a_keyring_that_is_no_jwk_set_is_as_good_as_none(clock: Clock, key: OKPKey) -> None:
    async def nonsense() -> Mapping[str, Any]:
        return {"keys": "none"}

    with pytest.raises(Unavailable):
        await auth.TokenVerifier(nonsense, ISSUER, clock=clock).verify(signed(key, clock))


def test_only_signing_keys_of_the_one_kind_are_imported(key: OKPKey) -> None:
    public = key.as_dict(private=False)
    others = [
        ECKey.generate_key("P-256", {"kid": "ec"}).as_dict(private=False),
        OKPKey.generate_key("X25519", {"kid": "x"}).as_dict(private=False),
        {**public, "kid": "enc", "use": "enc"},
        {**public, "kid": 7},
        "text",
    ]
    assert import_keys({"keys": [public, *others]}).keys() == {"first"}
    with pytest.raises(ValueError, match="malformed"):
        import_keys({"keys": [{**public, "x": "!"}]})


async def test_keys_fetched_ahead_verify_while_users_is_away(
    verifier: auth.TokenVerifier, keyring: Keyring, key: OKPKey, clock: Clock
) -> None:
    keyring.away = True
    fetching = asyncio.create_task(verifier.fetch_ahead())
    with pytest.raises(Unavailable):
        await verifier.verify(signed(key, clock))
    keyring.away = False
    async with asyncio.timeout(5):
        await fetching
    keyring.away = True

    await verifier.verify(signed(key, clock))

    assert keyring.asked == 2
