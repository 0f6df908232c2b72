"""The public port is tried before a start, and whoever has it is named."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from vitrine_ops import ports
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.options import Options


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_taken_as_it_is() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ports.check(Options(port=port))
    ports.check(Options(port=port, host="*"))


def test_a_taken_port_is_refused_and_its_holder_named(taken: int) -> None:
    with pytest.raises(Failure) as raised:
        ports.check(Options(port=taken))
    assert raised.value.code is Exit.PORT_TAKEN
    assert f"(pid {os.getpid()})" in raised.value.message
    assert raised.value.facts["port"] == taken
    assert f"--port {taken + 1}" in str(raised.value.hint)


def test_a_port_taken_on_one_address_is_taken_for_all(taken: int) -> None:
    with pytest.raises(Failure) as raised:
        ports.check(Options(port=taken, host="*"))
    assert raised.value.code is Exit.PORT_TAKEN


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Failure) as raised:
        ports.check(Options(port=18999, host="192.0.2.1"))
    assert raised.value.code is Exit.CONFIG


def test_a_port_nobody_listens_on_has_no_holder() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert ports.who_listens(probe.getsockname()[1]) is None
