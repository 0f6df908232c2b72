"""Our own PostgreSQL: disk and version are checked first, the cluster is made whole or not at all, stale locks go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from vitrine_ops import postgres
from vitrine_ops.binaries import Postgres, find_nginx, find_postgres
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path / "s")
    found.make()
    return found


def test_the_wheels_programs_are_found() -> None:
    assert find_postgres().major >= 15
    assert find_nginx().version >= (1, 22)


def test_another_major_versions_data_is_refused(places: Places) -> None:
    places.postgres.mkdir()
    (places.postgres / "PG_VERSION").write_text("12\n", encoding="ascii")
    with pytest.raises(Failure) as raised:
        postgres.check_cluster_version(places, Postgres(Path("/bin"), 18, "18.6", "wheel"))
    assert raised.value.code is Exit.DATA_VERSION
    assert "PostgreSQL 12" in raised.value.message


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    postgres.check_disk(tmp_path / "not" / "there" / "yet", 1)
    with pytest.raises(Failure) as raised:
        postgres.check_disk(tmp_path, 2**62)
    assert raised.value.code is Exit.DISK_FULL
    assert raised.value.facts["needed_bytes"] == 2**62


@pytest.mark.skipif(
    os.geteuid() == 0, reason="initdb refuses root; the stack tests run it as another account"
)
def test_a_half_made_cluster_is_made_anew(places: Places) -> None:
    (places.postgres.with_name("cluster.part") / "base").mkdir(parents=True)
    assert postgres.make_cluster(places, find_postgres(), "password") is True
    assert postgres.make_cluster(places, find_postgres(), "password") is False
    assert "vitrine.conf" in (places.postgres / "postgresql.conf").read_text(encoding="utf-8")


def test_a_failed_initdb_says_why(places: Places, tmp_path: Path) -> None:
    program = tmp_path / "initdb"
    program.write_text(
        "#!/bin/sh\necho 'could not write: No space left on device' >&2; exit 1\n", encoding="utf-8"
    )
    program.chmod(0o755)
    with pytest.raises(Failure) as raised:
        postgres.make_cluster(places, Postgres(tmp_path, 18, "18.6", "wheel"), "password")
    assert raised.value.code is Exit.DISK_FULL
    assert not places.postgres.exists()


def test_the_settings_say_no_tcp_and_our_socket_folder(places: Places) -> None:
    places.postgres.mkdir()
    postgres.write_configuration(places, max_connections=190)
    text = (places.postgres / "vitrine.conf").read_text(encoding="utf-8")
    assert "listen_addresses = ''\n" in text
    assert f"unix_socket_directories = '\"{places.run}\"'\n" in text
    assert "max_connections = '190'\n" in text


def test_a_lock_left_by_a_dead_server_is_removed(places: Places) -> None:
    places.postgres.mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = places.postgres / "postmaster.pid"
    lock.write_text(f"{gone.pid}\n{places.postgres}\n", encoding="utf-8")
    postgres.clear_stale_lock(places)
    assert not lock.exists()


def test_a_lock_whose_number_another_program_has_now_is_removed(places: Places) -> None:
    places.postgres.mkdir()
    lock = places.postgres / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{places.postgres}\n", encoding="utf-8")
    postgres.clear_stale_lock(places)
    assert not lock.exists()


def test_no_lock_and_a_torn_lock_do_no_harm(places: Places) -> None:
    postgres.clear_stale_lock(places)
    places.postgres.mkdir()
    (places.postgres / "postmaster.pid").write_text("", encoding="utf-8")
    postgres.clear_stale_lock(places)


def test_an_address_quotes_what_it_must(places: Places) -> None:
    assert postgres.address(places, "users_app", "p/w@").startswith(
        "postgresql://users_app:p%2Fw%40@/vitrine?host="
    )
