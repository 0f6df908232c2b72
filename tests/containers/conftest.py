"""Vitrine as compose.yaml runs it: started once for the session, and taken down again with all it made."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from vitrine_ops.indexes import pip_settings

from tests.containers.engine import KEPT, Engine, reason_to_skip, run, running_engine
from tests.containers.project import BUILT, CHECKOUT, LASTING, Project
from tests.containers.stand_ins import StandIns
from tests.stack import free_port

BASE_IMAGES = ("python:3.11-slim", "postgres:18", "nginx:1.30")
PIP_SETTINGS = {"index-url", "extra-index-url", "find-links", "trusted-host", "no-index", "default-timeout"}


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine with the base images; one of the tests' own is stopped at the end."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    kept = os.environ.get(KEPT)
    folder = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="vitrine-engine-"))
    try:
        with running_engine(folder) as found:
            provide_base_images(found, folder)
            yield found
    finally:
        if not kept:
            shutil.rmtree(folder)


def provide_base_images(engine: Engine, folder: Path) -> None:
    """Pulls the base images, or makes stand-ins where none can be pulled and the engine is the tests' own."""
    missing = [name for name in BASE_IMAGES if not engine.has_image(name)]
    pulls = True
    stand_ins = StandIns(engine, folder)
    for name in missing:
        pulls = pulls and engine.docker("pull", name, check=False, timeout_s=600).returncode == 0
        if pulls:
            continue
        if not engine.owned:
            pytest.skip(f"the engine has no image {name} and cannot pull it")
        if shutil.which("debootstrap") is None:
            pytest.skip(f"{name} cannot be pulled, and debootstrap, to make a stand-in, is not installed")
        stand_ins.make(name)


@pytest.fixture(scope="session")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What compose.yaml is filled in with: fresh secrets, a free port, images of these tests' own name."""
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    run([str(CHECKOUT / "compose" / "make-secrets"), str(folder)], os.environ, check=True, timeout_s=60)
    port = free_port()
    version = f"test-{secrets.token_hex(4)}"
    pip = pip_settings(sys.executable, os.environ)
    indexes = {
        f"PIP_{name.upper().replace('-', '_')}": value for name, value in pip.items() if name in PIP_SETTINGS
    }
    return {
        **indexes,
        "DOCKER_BUILDKIT": os.environ.get("DOCKER_BUILDKIT", "0"),
        "VITRINE_SECRETS": str(folder),
        "VITRINE_PORT": str(port),
        "VITRINE_PUBLIC_URL": f"http://localhost:{port}",
        **{f"VITRINE_{service.upper()}_VERSION": version for service in BUILT},
    }


@pytest.fixture(scope="session")
def images(engine: Engine, environ: dict[str, str]) -> Iterator[dict[str, str]]:
    """The images compose.yaml builds, by service; they are removed at the end."""
    project = Project(engine, "vitrine-build", 0, Path(environ["VITRINE_SECRETS"]), environ)
    names = {
        service: f"vitrine/{service}:{environ[f'VITRINE_{service.upper()}_VERSION']}" for service in BUILT
    }
    try:
        project.compose("build", timeout_s=1500)
        yield names
    finally:
        engine.docker("rmi", "--force", *names.values(), check=False)


@pytest.fixture(scope="session")
def project(engine: Engine, images: dict[str, str], environ: dict[str, str]) -> Iterator[Project]:
    """The project, up and healthy; at the end its containers, networks and volumes are removed."""
    name = f"vitrine{secrets.token_hex(3)}"
    found = Project(engine, name, int(environ["VITRINE_PORT"]), Path(environ["VITRINE_SECRETS"]), environ)
    try:
        found.compose("up", "--detach", "--no-build", timeout_s=600)
        found.wait_until_healthy(*LASTING)
        yield found
    finally:
        found.compose("down", "--volumes", "--remove-orphans", "--timeout", "20", timeout_s=300)
