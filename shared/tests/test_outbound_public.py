"""Addresses that people give: which ones requests may go to, however they are written."""

from __future__ import annotations

import pytest
from vitrine_kit.outbound.public import is_acceptable_url, is_allowed, look_up

PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd12::1", "::ffff:127.0.0.1"]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.8",
    "192.88.99.1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "fd00:ec2::254",
    "2002:7f00:1::",
    "2001:0:4136:e378::",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "not an address",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address)
    assert is_allowed(address, private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_allowed_only_where_that_was_asked_for(address: str) -> None:
    assert not is_allowed(address)
    assert is_allowed(address, private=True)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_reserved_addresses_are_never_allowed(address: str) -> None:
    assert not is_allowed(address)
    assert not is_allowed(address, private=True)


@pytest.mark.parametrize(
    "url", ["https://shop.example/hooks", "https://shop.example:8443/a?b=c", "https://[2606:4700::1111]/"]
)
def test_urls_that_may_be_given(url: str) -> None:
    assert is_acceptable_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "http://shop.example/",
        "ftp://shop.example/",
        "https:///hooks",
        "https://user:pass@shop.example/",
        "https://shop.example/#part",
        "https://shop.example/\nhooks",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://shop.example:99999/",
        "javascript:alert(1)",
    ],
)
def test_urls_that_may_not(url: str) -> None:
    assert not is_acceptable_url(url)


def test_private_networks_may_do_without_tls_where_they_are_allowed() -> None:
    assert is_acceptable_url("http://127.0.0.1:9000/hook", private=True)
    assert not is_acceptable_url("http://169.254.169.254/", private=True)


async def test_the_system_knows_the_loopback() -> None:
    assert "127.0.0.1" in await look_up("127.0.0.1", 80)
