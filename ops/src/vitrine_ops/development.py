"""`up --dev`: releases whose code is the checkout's own, so that a change is served at the next reload."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vitrine_ops.catalogue import BY_NAME
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.handover import Workplace
from vitrine_ops.output import Output
from vitrine_ops.releases import OPS, Release


def editable(place: Workplace, releases: Mapping[str, Release], out: Output) -> dict[str, Release]:
    """Copies of the releases' environments that import the kit and the service from the checkout.

    Raises:
        Failure: the checkout cannot be read by the account that runs the stack.
    """
    kit = place.checkout / "shared" / "src" / "vitrine_kit"
    if not kit.is_dir():
        raise Failure(
            Exit.NO_PERMISSION, f"--dev runs the code in {place.checkout}, which this account cannot read."
        )
    found = dict(releases)
    for name, release in releases.items():
        if name == OPS:
            continue
        service = BY_NAME[name]
        path = place.places.cache / "development" / f"{name}-{release.digest}"
        dev = replace(release, path=path, digest=f"{release.digest}.dev")
        if not (path / "release.json").is_file():
            out.say(f"making a development environment for {name}")
            for earlier in path.parent.glob(f"{name}-*"):
                shutil.rmtree(earlier)
            shutil.copytree(release.path, path, symlinks=True, ignore=shutil.ignore_patterns("release.json"))
            for package in (kit, service.source(place.checkout) / "src" / service.package):
                _replace_by_link(dev.site / package.name, package)
            shutil.copyfile(release.path / "release.json", path / "release.json")
        found[name] = dev
    return found


def _replace_by_link(installed: Path, source: Path) -> None:
    shutil.rmtree(installed)
    installed.symlink_to(source)
