"""Webhooks: signatures others can check, and attempts that cannot be led astray, held up or drowned."""

from __future__ import annotations

import asyncio
import datetime
import random
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook, WebhookVerificationError
from vitrine_kit.webhooks import MAX_ATTEMPTS, Message, Sender, delay_s, new_secret, sign
from webhook_receiver import receiver

MESSAGE = Message("0192a000-0000-7000-8000-000000000001", b'{"type":"user.created"}')


async def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_the_standards_own_library_accepts_what_is_sent() -> None:
    secret, older = new_secret(), new_secret()
    async with receiver() as there:
        outcome = await Sender(private=True).send(there.url(), MESSAGE, [secret, older])

    assert outcome.delivered
    assert (outcome.status, outcome.error) == (204, None)
    (taken,) = there.taken
    assert taken.method == "POST"
    assert taken.headers["content-type"] == "application/json"
    assert taken.headers["webhook-id"] == MESSAGE.id
    for known in (secret, older):
        assert Webhook(known).verify(taken.body, taken.headers) == {"type": "user.created"}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(taken.body, taken.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(taken.body + b" ", taken.headers)


def test_what_is_no_secret_signs_nothing() -> None:
    with pytest.raises(ValueError):
        sign(["c2VjcmV0"], message_id="1", timestamp_s=1, body=b"")


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with receiver() as inner, receiver(statuses=[302]) as outer:
        outer.headers["Location"] = inner.url()
        outcome = await Sender(private=True).send(outer.url(), MESSAGE, [new_secret()])

    assert outcome.status == 302
    assert not outcome.delivered
    assert inner.taken == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]"])
async def test_nothing_goes_to_this_machine_however_it_is_spelt(host: str) -> None:
    async with receiver() as there:
        outcome = await Sender().send(there.url(host=host), MESSAGE, [new_secret()])

    assert outcome.status is None
    assert outcome.error in {"forbidden-address", "not-reached", "bad-address"}
    assert there.connections == 0


async def test_a_name_that_changes_its_address_is_judged_where_the_connection_goes() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14"] if len(asked) > 1 else ["127.0.0.1"]

    async with receiver() as there:
        outcome = await Sender(lookup=rebinding).send(
            f"http://rebinding.example:{there.port}/", MESSAGE, [new_secret()]
        )

    assert outcome.error == "forbidden-address"
    assert asked == ["rebinding.example"], "it is looked up once, and that answer is the one used"
    assert there.connections == 0


async def test_the_metadata_address_is_refused_even_on_a_private_network() -> None:
    async def metadata(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    outcome = await Sender(private=True, lookup=metadata).send(
        "http://hooks.example/", MESSAGE, [new_secret()]
    )

    assert outcome.error == "forbidden-address"


async def test_a_receiver_that_does_not_answer_takes_no_longer_than_it_may() -> None:
    async with receiver() as there:
        there.open.clear()
        async with asyncio.timeout(5):
            outcome = await Sender(private=True, timeout_s=0.3).send(there.url(), MESSAGE, [new_secret()])

    assert (outcome.status, outcome.error) == (None, "timeout")


async def test_a_look_up_that_does_not_end_is_bounded_too() -> None:
    async def lost(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with asyncio.timeout(5):
        outcome = await Sender(lookup=lost, timeout_s=0.2).send(
            "https://hooks.example/", MESSAGE, [new_secret()]
        )

    assert outcome.error == "timeout"


async def test_an_answer_without_end_is_not_read() -> None:
    async with receiver(statuses=[200], endless=True) as there:
        async with asyncio.timeout(5):
            outcome = await Sender(private=True).send(there.url(), MESSAGE, [new_secret()])
        assert outcome.delivered
        async with asyncio.timeout(5):
            while there.closed < 1:
                there.changed.clear()
                await there.changed.wait()
        assert there.sent_bytes < 16 * 1024 * 1024


async def test_overlong_headers_are_no_answer() -> None:
    async with receiver(headers={"X-Long": "x" * 100_000}) as there:
        outcome = await Sender(private=True).send(there.url(), MESSAGE, [new_secret()])

    assert (outcome.status, outcome.error) == (None, "no-answer")


async def test_nobody_listens() -> None:
    async with receiver() as there:
        url = there.url()
    outcome = await Sender(private=True).send(url, MESSAGE, [new_secret()])

    assert (outcome.status, outcome.error) == (None, "not-reached")


async def test_an_unknown_host_is_told_apart() -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    outcome = await Sender(lookup=nowhere).send("https://nowhere.example/", MESSAGE, [new_secret()])

    assert outcome.error == "host-not-found"


async def test_tls_speaks_to_the_name_though_the_connection_goes_to_the_checked_address(
    tmp_path: Path,
) -> None:
    certificate, key = certificate_for("hooks.example", tmp_path)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate, key)
    ours = ssl.create_default_context(cafile=str(certificate))
    async with receiver(tls=theirs) as there:
        sender = Sender(private=True, lookup=to_loopback, tls=ours)
        good = await sender.send(f"https://hooks.example:{there.port}/", MESSAGE, [new_secret()])
        other = await sender.send(f"https://other.example:{there.port}/", MESSAGE, [new_secret()])

    assert good.delivered, good
    assert there.taken[0].headers["host"] == f"hooks.example:{there.port}"
    assert (other.status, other.error) == (None, "tls-failed")
    assert len(there.taken) == 1


def test_waits_grow_to_about_a_day_and_end() -> None:
    rng = random.Random(7)
    waits = [delay_s(attempt, rng) for attempt in range(1, MAX_ATTEMPTS + 1)]

    assert waits[-1] is None
    assert 8 <= (waits[0] or 0) <= 12
    known = [wait for wait in waits if wait is not None]
    assert known == sorted(known)
    assert 20 * 3600 < sum(known) < 34 * 3600


def test_a_receivers_own_wish_is_heeded_within_bounds() -> None:
    rng = random.Random(7)

    assert delay_s(1, rng, asked_s=120) == 120
    assert delay_s(1, rng, asked_s=10**9) == 3600


async def test_retry_after_is_read() -> None:
    async with receiver(statuses=[503], headers={"Retry-After": "90"}) as there:
        outcome = await Sender(private=True).send(there.url(), MESSAGE, [new_secret()])

    assert (outcome.status, outcome.retry_after_s, outcome.delivered) == (503, 90, False)


def certificate_for(host: str, directory: Path) -> tuple[Path, Path]:
    """A certificate that only this test trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = directory / "certificate.pem", directory / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, secret
