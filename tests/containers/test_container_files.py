"""What compose.yaml and the Dockerfiles promise, read from the files: these tests need no engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc.jwk import OKPKey
from vitrine_kit.auth import ServiceIdentity
from vitrine_kit.auth.services import ServiceVerifier
from vitrine_kit.worker import DEFAULT_UNREADY_S, DRAIN_S

from tests.containers.project import BUILT, CHECKOUT, JOBS, LASTING, SERVICES

FOLDERS = {"users": "services/users", "catalog": "services/catalog", "gateway": "gateway"}
SECRETS_ROOT = "${VITRINE_SECRETS:-./compose/secrets}/"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """compose.yaml as it stands, settings not filled in."""
    return dict(yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def made_secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that compose/make-secrets filled."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    make_secrets(folder)
    return folder


def make_secrets(folder: Path) -> None:
    subprocess.run([CHECKOUT / "compose" / "make-secrets", folder], check=True, capture_output=True)


def test_holds_every_process_and_nothing_else(compose: dict[str, Any]) -> None:
    """A service more needs its place in the tests of the containers too."""
    assert set(compose["services"]) == {*LASTING, *JOBS}


@pytest.mark.parametrize("service", ["users", "catalog", "gateway"])
def test_a_web_container_is_not_killed_while_it_drains(compose: dict[str, Any], service: str) -> None:
    """It is unready, then ends what runs; gunicorn waits for that, and the engine must wait for gunicorn."""
    assert "VITRINE_UNREADY_S" not in compose["services"][service]["environment"]
    grace_s = int(compose["services"][service]["stop_grace_period"].removesuffix("s"))
    gunicorn_s = DEFAULT_UNREADY_S + DRAIN_S + 5
    assert grace_s >= gunicorn_s + 5


@pytest.mark.parametrize("service", [*LASTING, *JOBS])
def test_every_container_is_confined(compose: dict[str, Any], service: str) -> None:
    """No rights, no writable root file system, no endless processes or logs."""
    found = compose["services"][service]

    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert "cap_add" not in found
    assert "privileged" not in found
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["pids_limit"] <= 512
    assert found["logging"]["options"]["max-size"]
    assert found["restart"] == ("no" if service in JOBS else "unless-stopped")
    assert ("healthcheck" in found) is (service in LASTING)


def test_publishes_nginx_alone_and_on_the_loopback(compose: dict[str, Any]) -> None:
    """Whoever wants it open to others says so."""
    published = {name: found["ports"] for name, found in compose["services"].items() if "ports" in found}

    assert published == {"nginx": ["${VITRINE_LISTEN:-127.0.0.1}:${VITRINE_PORT:-8080}:8080"]}


def test_networks_have_no_way_out_but_one(compose: dict[str, Any]) -> None:
    """The database's network joins those that have a schema, and the gateway is not among them."""
    assert {name for name, found in compose["networks"].items() if not found.get("internal")} == {"edge"}
    members = {
        network: {name for name, found in compose["services"].items() if network in found["networks"]}
        for network in compose["networks"]
    }
    assert members["edge"] == {"nginx"}
    assert members["database"] == {*LASTING, *JOBS} - {"nginx", "gateway"}
    assert members["services"] == {*LASTING} - {"postgres"}


def test_nginx_waits_for_nobody(compose: dict[str, Any]) -> None:
    """It becomes ready with every service stopped, and each service with every other stopped."""
    assert "depends_on" not in compose["services"]["nginx"]
    assert "depends_on" not in compose["services"]["gateway"]
    for service in ("users", "catalog"):
        for name in (service, f"{service}-worker"):
            waits_for = compose["services"][name]["depends_on"]
            assert waits_for == {f"{service}-migrate": {"condition": "service_completed_successfully"}}


def test_secrets_reach_containers_as_files(compose: dict[str, Any], made_secrets: Path) -> None:
    """make-secrets makes exactly what compose.yaml reads, and every secret a process is told of is given to it."""
    files = {name: found["file"] for name, found in compose["secrets"].items()}
    assert files == {name: f"{SECRETS_ROOT}{name}" for name in files}
    assert {path.name for path in made_secrets.iterdir()} == set(files)

    used = set()
    for name, found in compose["services"].items():
        given = set(found.get("secrets", []))
        used |= given
        for variable, value in found.get("environment", {}).items():
            secret = re.fullmatch(r"/run/secrets/(\w+)", str(value))
            assert secret is not None or not re.search(r"PASSWORD|SECRET|_KEY|DATABASE_URL", variable), (
                name,
                variable,
            )
            if secret is not None:
                assert secret[1] in given, (name, variable)
    assert used == set(files)


def test_owners_addresses_are_for_migrations(compose: dict[str, Any]) -> None:
    """A process that serves requests cannot run DDL, whatever happens in it."""
    holders = {
        name
        for name, found in compose["services"].items()
        if any("owner_database_url" in one for one in found.get("secrets", []))
    }
    assert holders == {"users-migrate", "catalog-migrate"}


def test_secrets_are_closed_to_others_and_last(made_secrets: Path) -> None:
    """The folder keeps others out; a second run changes nothing."""
    assert stat.S_IMODE(made_secrets.stat().st_mode) == 0o700
    before = {path.name: path.read_text(encoding="utf-8") for path in made_secrets.iterdir()}
    assert all(len(text) > 40 for text in before.values())
    passwords = [
        text for name, text in before.items() if name.endswith(("_password", "_secret_key", "superuser"))
    ]
    assert len(set(passwords)) == len(passwords) == 8

    make_secrets(made_secrets)

    assert {path.name: path.read_text(encoding="utf-8") for path in made_secrets.iterdir()} == before
    for service in ("users", "catalog"):
        for role in ("owner", "app"):
            name = f"{service}_{role}"
            password = before[f"{name}_password"].strip()
            assert (
                before[f"{name}_database_url"].strip()
                == f"postgresql://{name}:{password}@postgres:5432/vitrine"
            )


def test_service_keys_are_understood(made_secrets: Path) -> None:
    """Each service's key signs what the public keys of all verify, and those hold nothing private."""
    public = json.loads((made_secrets / "neighbour_keys").read_text(encoding="utf-8"))
    assert [set(key) for key in public["keys"]] == [{"kty", "crv", "kid", "use", "x"}] * 3
    for service in SERVICES:
        key = OKPKey.import_key(
            json.loads((made_secrets / f"{service}_service_key").read_text(encoding="utf-8"))
        )
        credential = ServiceIdentity(service, key).credential_for("catalog")
        assert ServiceVerifier(public, "catalog").verify(credential).name == service


def test_a_replaced_service_key_is_published(made_secrets: Path, tmp_path: Path) -> None:
    """Removing a key and running make-secrets again is all it takes to change it."""
    folder = tmp_path / "secrets"
    shutil.copytree(made_secrets, folder)
    (folder / "users_service_key").unlink()

    make_secrets(folder)

    private = json.loads((folder / "users_service_key").read_text(encoding="utf-8"))
    public = json.loads((folder / "neighbour_keys").read_text(encoding="utf-8"))
    assert private["x"] in [key["x"] for key in public["keys"]]
    assert (folder / "neighbour_keys").read_bytes() != (made_secrets / "neighbour_keys").read_bytes()


def test_dockerfiles_differ_by_their_service_alone() -> None:
    """What is learnt in one belongs into all; the catalogue has its two folders besides."""
    texts = {}
    for service, folder in FOLDERS.items():
        text = (CHECKOUT / folder / "Dockerfile").read_text(encoding="utf-8")
        assert all(f"vitrine_{other}" not in text for other in SERVICES if other != service)
        text = (
            text.replace(f"The {service} ", "The NAME ")
            .replace(f"vitrine_{service}", "NAME")
            .replace(folder, "FOLDER")
        )
        texts[service] = [line.removesuffix(" \\") for line in text.splitlines()]
    own = [line for line in texts["catalog"] if "/var/lib/vitrine/" in line]
    assert len(own) == 3
    assert texts["users"] == texts["gateway"] == [line for line in texts["catalog"] if line not in own]


@pytest.mark.parametrize("service", SERVICES)
def test_packages_are_held_to_their_hashes(service: str) -> None:
    """Own lock files, which pin everything but our own distributions."""
    for name in ("requirements.lock", "build.lock"):
        text = (CHECKOUT / FOLDERS[service] / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
        assert lines
        for line in lines:
            assert re.match(r"[a-z0-9._-]+==[^\s;]+", line), line
        assert text.count("--hash=sha256:") >= len(lines)
        assert not any(line.startswith("vitrine") for line in lines)


def test_images_are_built_from_what_they_need() -> None:
    """The build context lets in what the Dockerfiles copy, and no secrets, tests or history."""
    allowed = [
        line[1:]
        for line in (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    for service, folder in FOLDERS.items():
        text = (CHECKOUT / folder / "Dockerfile").read_text(encoding="utf-8")
        copied = re.findall(r"^COPY ((?!--from)\S.*) \S+$", text, flags=re.MULTILINE)
        sources = {source for line in copied for source in line.split()}
        assert {source for source in sources if not source.startswith(("shared/", f"{folder}/"))} == set(), (
            service
        )
        for source in sources:
            assert source in allowed or re.sub(r"^services/\w+/", "services/*/", source) in allowed, source
    assert not [line for line in allowed if "secret" in line or "tests" in line]


def test_nginx_has_the_files_its_configuration_includes() -> None:
    """compose/ takes the place of env/: each file that nginx.conf and its parts include from there."""
    nginx = CHECKOUT / "nginx"
    parts = [nginx / "nginx.conf", *(nginx / "conf.d").iterdir(), *(nginx / "snippets").iterdir()]
    wanted = {
        name
        for part in parts
        for name in re.findall(r"include env/(\w+\.conf)", part.read_text(encoding="utf-8"))
    }

    assert {path.name for path in (nginx / "compose").glob("*.conf")} == wanted


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ['map "" $vitrine_scheme { default http; }']),
        ({"VITRINE_PUBLIC_URL": "https://shop.example"}, ['map "" $vitrine_scheme { default https; }']),
        (
            {"VITRINE_TRUSTED_PROXIES": "10.0.0.0/8 fd00::/8"},
            ["set_real_ip_from 10.0.0.0/8;", "set_real_ip_from fd00::/8;", "real_ip_header X-Forwarded-For;"],
        ),
    ],
)
def test_nginx_takes_its_settings_from_the_environment(
    tmp_path: Path, settings: dict[str, str], expected: list[str]
) -> None:
    """The start script writes them as configuration before Nginx reads it."""
    done, written = start_nginx(tmp_path, settings)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "-g daemon off; -t\n"
    for line in expected:
        assert line in written
    assert ("real_ip_header" in written) is ("VITRINE_TRUSTED_PROXIES" in settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"VITRINE_PUBLIC_URL": "shop.example"},
        {"VITRINE_TRUSTED_PROXIES": "all;"},
        {"VITRINE_TRUSTED_PROXIES": "10.0.0.0/8 $remote_addr"},
    ],
)
def test_nginx_refuses_settings_that_are_none(tmp_path: Path, settings: dict[str, str]) -> None:
    """A mistake ends the start with a sentence instead of becoming configuration."""
    done, _ = start_nginx(tmp_path, settings)

    assert done.returncode == 78
    assert next(iter(settings)) in done.stderr


def start_nginx(folder: Path, settings: dict[str, str]) -> tuple[subprocess.CompletedProcess[str], str]:
    """Runs the start script with a stand-in for Nginx, which prints its arguments; returns what was configured."""
    (folder / "nginx").write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    (folder / "nginx").chmod(0o755)
    script = (CHECKOUT / "nginx" / "compose" / "start").read_text(encoding="utf-8")
    (folder / "start").write_text(
        script.replace("/tmp/settings.conf", str(folder / "settings.conf")), encoding="utf-8"
    )
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", **settings}
    done = subprocess.run(
        ["sh", folder / "start", "-t"], env=environ, capture_output=True, text=True, check=False
    )
    written = folder / "settings.conf"
    return done, written.read_text(encoding="utf-8") if written.exists() else ""


def test_images_are_named_apart(compose: dict[str, Any]) -> None:
    """A version of each, so that one service goes forward or back alone; job, web process and worker are one image."""
    images = {name: found["image"] for name, found in compose["services"].items()}
    for service in BUILT:
        expected = f"vitrine/{service}:${{VITRINE_{service.upper()}_VERSION:-latest}}"
        users = [name for name, image in images.items() if image == expected]
        assert users == [name for name in images if name == service or name.startswith(f"{service}-")]
