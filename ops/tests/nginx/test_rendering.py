"""The part of the configuration that ops writes: upstreams, addresses, what an older Nginx lacks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from nginx_edge import NAMES, Edge
from vitrine_ops.binaries import Nginx
from vitrine_ops.exits import Failure
from vitrine_ops.nginx import NginxConfiguration, listen_addresses, render, upstream
from vitrine_ops.options import Options
from vitrine_ops.places import Places


def test_a_single_instance_is_its_own_second_try() -> None:
    assert upstream("users", [Path("/run/u.sock")]).count('server "unix:/run/u.sock" max_fails=0') == 2
    assert "backup" not in upstream("users", [Path("/a.sock"), Path("/b.sock")])


def test_what_an_older_nginx_does_not_know_is_left_out() -> None:
    def http(version: tuple[int, ...]) -> str:
        sockets = {name: [Path("/x.sock")] for name in NAMES}
        return render(
            Options(),
            Places(Path("/srv/x")),
            Nginx(Path("nginx"), version, "system"),
            upstreams=sockets,
            static=Path("/s"),
        )["http.conf"]

    assert "keepalive_min_timeout" not in http((1, 22, 1))
    assert "keepalive_min_timeout" in http((1, 27, 4))


@pytest.mark.parametrize(
    ("host", "first"),
    [
        ("localhost", "127.0.0.1:80"),
        ("*", "80"),
        ("192.0.2.1", "192.0.2.1:80"),
        ("2001:db8::1", "[2001:db8::1]:80"),
    ],
)
def test_the_address_to_listen_on(host: str, first: str) -> None:
    assert listen_addresses(Options(port=80, host=host))[0] == first


def test_a_configuration_nginx_refuses_is_told(edge: Edge, tmp_path: Path) -> None:
    copy = NginxConfiguration(edge.places, edge.configuration.binary)
    copy.folder = tmp_path / "nginx"
    shutil.copytree(edge.configuration.folder, copy.folder)
    (copy.folder / "env" / "http.conf").write_text("nonsense on;", encoding="utf-8")
    with pytest.raises(Failure, match="nonsense"):
        copy.test()
