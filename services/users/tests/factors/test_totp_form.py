"""The form of one-time codes: the vectors of RFC 6238, the address an app scans and its picture."""

from __future__ import annotations

from base64 import b32decode
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from vitrine_users.factors import totp

SEED = b"12345678901234567890"


@pytest.mark.parametrize(
    ("now_s", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(now_s: int, code: str) -> None:
    assert totp.matching_step(SEED, code, now_s=now_s + 0.9) == now_s // 30
    assert totp.matching_step(SEED, code, now_s=now_s + 30) == now_s // 30
    assert totp.matching_step(SEED, code, now_s=now_s + 60) is None
    assert now_s < 60 or totp.matching_step(SEED, code, now_s=now_s - 30) is None


def test_seeds_are_random_and_as_long_as_the_hash() -> None:
    made = {totp.new_seed() for _ in range(50)}

    assert len(made) == 50
    assert {len(seed) for seed in made} == {20}
    assert all(b32decode(totp.text_of(seed)) == seed for seed in made)


def test_an_app_reads_the_seed_the_shop_and_the_person() -> None:
    address = urlsplit(totp.address_of(SEED, shop="Lamp & Light", email="ada@example.com"))

    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path) == "/Lamp & Light:ada@example.com"
    assert parse_qs(address.query) == {"secret": [totp.text_of(SEED)], "issuer": ["Lamp & Light"]}


def test_the_picture_is_one_svg_element_with_a_quiet_zone() -> None:
    address = totp.address_of(SEED, shop="Shop", email="ada@example.com")
    expected = totp.segno.make(address, error="m", micro=False, boost_error=True)
    side = expected.symbol_size(scale=5, border=4)[0]

    picture = totp.picture_of(address)

    assert picture.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert picture.endswith("</svg>")
    assert f'width="{side}" height="{side}"' in picture
    assert 'fill="#fff"' in picture


def test_the_picture_is_of_the_kind_that_phones_read_however_short_the_address_is() -> None:
    """A micro QR code, which segno prefers for a text as short as this, is read by few of them."""
    picture = totp.picture_of("1")

    assert 'width="145" height="145"' in picture, "21 modules and twice 4 of quiet, 5 each"
