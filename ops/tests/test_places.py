"""A stack's folders: closed to others, short enough for sockets, refused where they belong to somebody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.places import SOCKET_PATH_LIMIT, Places


def test_every_part_is_closed_to_others(tmp_path: Path) -> None:
    places = Places(tmp_path / "shop")
    places.make()
    for path in (places.secrets, places.state, places.run, places.postgres.parent, places.media):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    assert places.exists()


def test_sockets_lie_inside_where_the_path_is_short(tmp_path: Path) -> None:
    assert Places(Path("/srv/shop")).run == Path("/srv/shop/run")


@pytest.mark.parametrize("name", ["a" * 120, "with spaces", "größe"])
def test_sockets_lie_elsewhere_where_the_path_cannot_carry_them(tmp_path: Path, name: str) -> None:
    places = Places(tmp_path / name)
    places.make()
    try:
        assert places.data not in places.run.parents
        assert len(os.fsencode(str(places.run / "internal.sock"))) < SOCKET_PATH_LIMIT
        assert " " not in str(places.run)
    finally:
        places.remove_run()
    assert not places.run.exists()


def test_two_data_directories_never_share_a_run_directory(tmp_path: Path) -> None:
    assert Places(tmp_path / "one shop").run != Places(tmp_path / "two shop").run


def test_a_run_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    places = Places(tmp_path / "with spaces")
    (tmp_path / "elsewhere").mkdir()
    places.run.symlink_to(tmp_path / "elsewhere")
    try:
        with pytest.raises(Failure) as raised:
            places.make()
        assert raised.value.code is Exit.NO_PERMISSION
    finally:
        places.run.unlink()


@pytest.mark.parametrize("name", ['quo"te', "dol$lar", "semi;colon", "new\nline", "per%cent"])
def test_a_path_no_configuration_file_can_carry_is_refused(name: str) -> None:
    with pytest.raises(Failure) as raised:
        Places(Path("/srv") / name)
    assert raised.value.code is Exit.CONFIG


def test_a_file_in_the_way_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("", encoding="utf-8")
    with pytest.raises(Failure) as raised:
        Places(tmp_path / "shop").make()
    assert raised.value.code is Exit.NO_PERMISSION
    assert str(tmp_path / "shop") in raised.value.message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    places = Places(tmp_path / "shop")
    places.make()
    os.chown(places.state, 12345, 12345)
    with pytest.raises(Failure) as raised:
        places.make()
    assert raised.value.code is Exit.NO_PERMISSION
    assert "user 12345" in raised.value.message
