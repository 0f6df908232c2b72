"""`up --dev`: releases whose code is the checkout's own, so that a change is served at the next reload."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace

from vitrine_ops import accounts
from vitrine_ops.catalogue import BY_NAME
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.handover import Workplace
from vitrine_ops.output import Output
from vitrine_ops.releases import OPS, Release


def editable(
    place: Workplace, releases: Mapping[str, Release], environ: Mapping[str, str], out: Output
) -> dict[str, Release]:
    """Copies of the releases' environments that import the kit and the service from the checkout.

    Raises:
        Failure: the checkout cannot be read by the account that runs the stack.
    """
    if not (place.checkout / "shared" / "src").is_dir() or accounts.is_root():
        raise Failure(
            Exit.NO_PERMISSION, f"--dev runs the code in {place.checkout}, which this account cannot read."
        )
    found = dict(releases)
    for name, release in releases.items():
        if name == OPS:
            continue
        path = release.path.with_name(f"{release.path.name}.dev")
        dev = replace(release, path=path, digest=f"{release.digest}.dev")
        if not (path / "release.json").is_file():
            out.say(f"making a development environment for {name}")
            _copy(release, path)
            sources = [place.checkout / "shared" / "src", BY_NAME[name].source(place.checkout) / "src"]
            for package in ("vitrine_kit", BY_NAME[name].package):
                subprocess.run(["rm", "-rf", str(dev.site / package)], check=True)
            (dev.site / "vitrine_checkout.pth").write_text(
                "".join(f"{source}\n" for source in sources), encoding="utf-8"
            )
            (path / "release.json").write_text("{}", encoding="utf-8")
        found[name] = dev
    return found


def _copy(release: Release, path: object) -> None:
    import shutil

    shutil.rmtree(str(path), ignore_errors=True)
    shutil.copytree(release.path, str(path), symlinks=True)
