"""Shows Nginx's configuration, rendered for each environment, to gixy; fails on anything it finds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from vitrine_ops import nginx
from vitrine_ops.binaries import Nginx
from vitrine_ops.options import Options
from vitrine_ops.places import Places


def rendered(checkout: Path, folder: Path) -> dict[str, Path]:
    """The configuration for the local stack, and for each environment that lies ready, by name."""
    source = checkout / "nginx"
    found = {}
    for name in ("local", "compose", "kubernetes"):
        if name != "local" and not (source / name).is_dir():
            continue
        target = folder / name
        target.mkdir()
        for part in nginx.PARTS:
            if (source / part).is_dir():
                shutil.copytree(source / part, target / part)
            else:
                shutil.copyfile(source / part, target / part)
        if name == "local":
            (target / "env").mkdir()
            places = Places(Path("/var/lib/vitrine/shop"))
            sockets = {
                service: [places.run / f"{service}-1-0.sock"] for service in ("users", "catalog", "gateway")
            }
            binary = Nginx(Path("nginx"), (1, 31, 3), "wheel")
            for file, text in nginx.render(
                Options(), places, binary, upstreams=sockets, static=places.data / "static"
            ).items():
                (target / "env" / file).write_text(text, encoding="utf-8")
        else:
            shutil.copytree(source / name, target / "env")
        found[name] = target / "nginx.conf"
    return found


def main(checkout: Path) -> int:
    """Runs gixy on each; returns 0 when all are clean."""
    gixy = Path(sys.executable).with_name("gixy")
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, path in rendered(checkout, Path(folder)).items():
            print(f"nginx, {name}:", flush=True)
            worst = max(worst, subprocess.run([str(gixy), str(path)], check=False, cwd=folder).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
