"""What `up` was asked for: from the environment, checked, and kept for later commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.options import Options, from_environment, number


def test_the_environment_changes_the_defaults() -> None:
    found = from_environment(
        {
            "VITRINE_PORT": "9090",
            "VITRINE_WORKERS": "3",
            "DATABASE_URL": "postgresql://db/shop",
            "VITRINE_PUBLIC_URL": "https://shop.example/",
        }
    )
    assert (found.port, found.workers, found.database_url) == (9090, 3, "postgresql://db/shop")
    assert found.address == "https://shop.example"


def test_settings_of_the_services_pass_and_those_of_the_command_do_not() -> None:
    found = from_environment(
        {"VITRINE_LOG_LEVEL": "DEBUG", "VITRINE_PORT": "9090", "VITRINE_DATA": "/srv", "HOME": "/root"}
    )
    assert found.settings == {"VITRINE_LOG_LEVEL": "DEBUG"}


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", "80.5", "9" * 20])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Failure) as raised:
        from_environment({"VITRINE_PORT": text})
    assert raised.value.code is Exit.USAGE
    assert "VITRINE_PORT" in raised.value.message


def test_an_empty_number_is_the_default() -> None:
    assert number("--port", "", 8080, 1, 65535) == number("--port", None, 8080, 1, 65535) == 8080


def test_the_pools_of_a_deploy_fit_into_our_own_servers_connections() -> None:
    for options in (
        Options(),
        Options(workers=4, instances=3),
        Options(settings={"VITRINE_POOL_READ_SIZE": "20"}),
    ):
        assert options.pool_connections <= options.max_connections * 0.8


def test_the_sum_counts_both_services_rolling_with_their_workers() -> None:
    assert Options(workers=2, instances=1).pool_connections == 2 * (1 * 2 + 1) * 2 * (8 + 4)


def test_options_are_kept_and_found_again(tmp_path: Path) -> None:
    asked = Options(port=9000, instances=2, settings={"VITRINE_LOG_LEVEL": "DEBUG"})
    asked.save(tmp_path)
    assert Options.load(tmp_path) == asked
    assert (tmp_path / "options.json").stat().st_mode & 0o077 == 0


def test_options_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    assert Options.load(tmp_path) is None
    (tmp_path / "options.json").write_text("{", encoding="utf-8")
    assert Options.load(tmp_path) is None


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        ({"VITRINE_HOST": "127.0.0.1", "VITRINE_PORT": "9090"}, False),
        ({"VITRINE_HOST": "*"}, True),
        ({"VITRINE_HOST": "192.0.2.1"}, True),
        ({"VITRINE_PUBLIC_URL": "https://shop.example"}, True),
        ({"VITRINE_PUBLIC_URL": "http://localhost:8080"}, False),
        ({"VITRINE_REQUIRE_FACTOR": "true"}, True),
        ({"VITRINE_REQUIRE_FACTOR": "false", "VITRINE_HOST": "*"}, False),
    ],
)
def test_a_second_factor_is_asked_for_where_others_reach_the_shop(
    environ: dict[str, str], asked: bool
) -> None:
    assert from_environment(environ).asks_for_second_factor is asked
