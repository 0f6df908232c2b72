"""compose.yaml for real: images built, every process in its container, asked through the published port."""

from __future__ import annotations

import json
import shutil
import struct
import threading
import zlib
from collections import Counter
from pathlib import Path

import pytest

from tests.containers.engine import Engine, reason_to_skip
from tests.containers.project import CHECKOUT, JOBS, LASTING, SERVICES, Project, compose_options, wait_until

pytestmark = [pytest.mark.containers]

if (reason := reason_to_skip()) is not None:
    pytest.skip(reason, allow_module_level=True)  # said once, not for each test

ROOT = ("", "0", "root", "0:0")


def test_jobs_end_well_and_everything_else_is_healthy(project: Project) -> None:
    """The services start after their migration, and each process says that it is well."""
    states = {job: [found["State"] for found in project.containers(job)] for job in JOBS}

    assert {
        job: [(state["Status"], state["ExitCode"]) for state in found] for job, found in states.items()
    } == {job: [("exited", 0)] for job in JOBS}
    for service in LASTING:
        (found,) = project.containers(service)
        assert found["State"]["Health"]["Status"] == "healthy", service


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/api", "text/html"),
        ("/api/users/v1/jwks.json", "application/json"),
        ("/api/users/openapi.json", "application/json"),
        ("/api/catalog/openapi.json", "application/json"),
        ("/api/catalog/v1/products", "application/json"),
        ("/api/catalog/v1/categories", "application/json"),
        ("/nginx-health", "text/plain"),
    ],
)
def test_routes_by_path(project: Project, path: str, kind: str) -> None:
    """Pages come from the gateway, each API from its service."""
    answer = project.ask(path)

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.headers["X-Request-Id"] or path == "/nginx-health"


def test_static_files_follow_the_gateway(project: Project) -> None:
    """Nginx has no copy of the gateway's files in its image: it asks for them, and keeps them for a minute."""
    page = project.ask("/").body.decode()
    path = "/static/" + page.split('href="/static/', 1)[1].split('"', 1)[0]
    first, second = project.ask(path), project.ask(path)

    assert (first.status, second.status) == (200, 200)
    assert second.headers["X-Cache"] == "HIT"
    assert first.body == second.body


@pytest.mark.parametrize(
    "path",
    [
        "/internal/jwks",
        "//internal/jwks",
        "/INTERNAL/jwks",
        "/%69nternal/jwks",
        "/api/../internal/jwks",
        "/internal;/jwks",
    ],
)
def test_internal_does_not_exist_outside(project: Project, path: str) -> None:
    """Service to service addresses are not routed, in no spelling."""
    assert project.ask(path).status in {400, 404}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_health_and_metrics_are_not_public(project: Project, path: str) -> None:
    """They are asked of each instance."""
    assert project.ask(path).status == 404


def test_registers_and_signs_in(project: Project) -> None:
    """Through Nginx, users and PostgreSQL, and the catalogue knows the token by users' published key."""
    person = {"email": "ada@example.org", "password": "twelve quiet sparrows at noon", "name": "Ada"}
    assert project.send_json("/api/users/v1/registrations", person).status == 202

    answer = project.send_json("/api/users/v1/tokens", {name: person[name] for name in ("email", "password")})
    assert answer.status == 201
    token = answer.json()["access_token"]

    me = project.ask("/api/users/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["email"] == "ada@example.org"
    # Known, but without the right: 403 instead of 401.
    assert project.send_json("/api/catalog/v1/products", {"title": "Not hers"}, token=token).status == 403


def test_gives_the_owner_a_link(project: Project) -> None:
    """The how-to's first step after starting, and it leads to the published address."""
    link = project.run_in("users", "flask", "create-owner-link").strip()

    assert link.startswith(f"{project.url}/sign-in/link/")
    assert project.ask(link.removeprefix(project.url)).status == 200


def test_a_product_and_its_picture(project: Project) -> None:
    """The picture is written by the catalogue and served by Nginx, from the volume they share."""
    token = project.token()
    made = project.send_json(
        "/api/catalog/v1/products", {"title": "Bowl", "status": "active", "vendor": "Kiln"}, token=token
    )
    assert made.status == 201, made.body
    product = made.json()["id"]

    body, kind = multipart("bowl.png", "image/png", png(32, 24))
    added = project.ask(
        f"/api/catalog/v1/products/{product}/pictures",
        method="POST",
        body=body,
        headers={"Content-Type": kind, "Authorization": f"Bearer {token}"},
    )
    assert added.status == 201, added.body

    picture = project.ask(added.json()["url"])
    assert picture.status == 200
    assert picture.headers["Content-Type"] == "image/png"

    def listed() -> bool:
        return product in {item["id"] for item in project.ask("/api/catalog/v1/products").json()["items"]}

    wait_until(listed, timeout_s=40)  # an earlier answer may be shown while the next is fetched behind it


def test_an_import_runs_in_the_worker(project: Project) -> None:
    """The web container spools the file, the worker's container reads it."""
    token = project.token()
    columns = (
        "Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price"
    )
    rows = [f"jug-{n},Jug {n},,Kiln,Jug,true,Title,Default Title,JUG-{n},{n}.50" for n in range(1, 21)]
    body, kind = multipart("jugs.csv", "text/csv", "\n".join([columns, *rows, ""]).encode(), currency="EUR")
    started = project.ask(
        "/api/catalog/v1/imports",
        method="POST",
        body=body,
        headers={"Content-Type": kind, "Authorization": f"Bearer {token}"},
    )
    assert started.status == 202, started.body
    path = f"/api/catalog/v1/imports/{started.json()['id']}"

    def ended() -> bool:
        found = project.ask(path, headers={"Authorization": f"Bearer {token}"}).json()
        return found["status"] in {"done", "failed", "cancelled"}

    wait_until(ended, timeout_s=60)
    found = project.ask(path, headers={"Authorization": f"Bearer {token}"}).json()
    assert (found["status"], found["counts"]["products"]["created"]) == ("done", 20), found


def test_processes_have_no_rights(project: Project) -> None:
    """Not root, nothing to become root with, and a file system that takes no writes."""
    for found in project.containers():
        name, host = found["Name"], found["HostConfig"]
        assert found["Config"]["User"] not in ROOT, name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert not host["Privileged"], name
        assert host["PidsLimit"], name
    for service in LASTING:
        assert project.run_in(service, "id", "-u").strip() != "0"
        assert project.fails_in(service, "touch", "/etc/here", "/usr/here", "/opt/here"), service
        status = project.run_in(service, "cat", "/proc/1/status")
        assert "CapEff:\t0000000000000000" in status, service
        assert "NoNewPrivs:\t1" in status, service


def test_only_nginx_is_published(project: Project) -> None:
    """PostgreSQL and the services have no port on this machine."""
    published = {}
    for found in project.containers():
        ports = found["NetworkSettings"]["Ports"] or {}
        bindings = [binding for port in ports.values() for binding in port or []]
        if bindings:
            published[found["Config"]["Labels"]["com.docker.compose.service"]] = bindings

    assert list(published) == ["nginx"]
    assert [(one["HostIp"], one["HostPort"]) for one in published["nginx"]] == [
        ("127.0.0.1", str(project.port))
    ]


@pytest.mark.parametrize(
    ("service", "target", "reaches"),
    [
        ("users", "postgres:5432", True),
        ("catalog-worker", "postgres:5432", True),
        ("gateway", "users:8000", True),
        ("gateway", "postgres:5432", False),
        ("users", "1.1.1.1:53", False),
        ("gateway", "1.1.1.1:53", False),
    ],
)
def test_networks_join_only_who_has_to_talk(
    project: Project, service: str, target: str, reaches: bool
) -> None:
    """The database is for the services that have one; nobody but Nginx has a way out."""
    host, port = target.split(":")
    code = f"import socket; socket.create_connection(({host!r}, {port}), 3).close()"

    assert project.fails_in(service, "python", "-c", code) is not reaches


def test_nginx_does_not_reach_the_database(project: Project) -> None:
    """It has no Python to ask with: curl says whether the name is known."""
    said = project.run_in(
        "nginx", "sh", "-c", "curl --silent --max-time 3 http://postgres:5432 || echo failed with $?"
    )
    assert "failed with 6" in said  # the name cannot be resolved


def test_secrets_are_in_files_alone(project: Project) -> None:
    """What `inspect` shows, and what the processes have in their environment, names files and holds no secret."""
    values = {path.name: path.read_text(encoding="utf-8").strip() for path in project.secrets.iterdir()}
    assert len(values) > 10
    for found in project.containers():
        shown = json.dumps(found)
        leaked = [name for name, value in values.items() if name != "neighbour_keys" and value in shown]
        assert not leaked, (found["Name"], leaked)
    for service in (*SERVICES, "users-worker"):
        environment = project.run_in(service, "cat", "/proc/1/environ")
        assert not [name for name, value in values.items() if value in environment], service


def test_each_container_sees_its_own_secrets_only(project: Project) -> None:
    """A run-time process has neither its owner role's password nor anything of a neighbour's."""
    seen = {service: set(project.run_in(service, "ls", "/run/secrets").split()) for service in SERVICES}
    assert seen == {
        "users": {"neighbour_keys", "users_secret_key", "users_service_key", "users_app_database_url"},
        "catalog": {
            "neighbour_keys",
            "catalog_secret_key",
            "catalog_service_key",
            "catalog_app_database_url",
        },
        "gateway": {"neighbour_keys", "gateway_secret_key", "gateway_service_key"},
    }
    assert project.fails_in("nginx", "ls", "/run/secrets")


def test_an_image_holds_one_service(engine: Engine, images: dict[str, str]) -> None:
    """Its own distribution and the kit's, both as installed wheels, and nothing of its siblings."""
    code = (
        "from importlib.metadata import distributions as d;"
        "print(*sorted({x.name for x in d() if x.name.startswith('vitrine')}));"
        "import vitrine_kit; print(vitrine_kit.__file__)"
    )
    for service in SERVICES:
        printed = engine.docker("run", "--rm", images[service], "python", "-c", code).stdout
        distributions, kit = printed.splitlines()
        assert distributions.split() == sorted(["vitrine-kit", f"vitrine-{service}"])
        assert kit.startswith("/opt/vitrine/lib/")
        siblings = [f"vitrine_{other}" for other in SERVICES if other != service]
        search = ["find", "/opt", "/usr/local", "/var/lib", "/tmp", "-name", "vitrine_*"]
        found = engine.docker("run", "--rm", images[service], *search).stdout.splitlines()
        assert found
        assert not [line for line in found if any(name in line for name in siblings)]


def test_a_build_leaves_no_index_in_the_image(engine: Engine, images: dict[str, str]) -> None:
    """Index addresses may hold credentials."""
    for service in SERVICES:
        history = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", images[service]).stdout
        assert "PIP_" not in history
        assert "UV_" not in history


def test_a_change_in_users_rebuilds_no_other_image(
    engine: Engine, images: dict[str, str], environ: dict[str, str], tmp_path: Path
) -> None:
    """Each image is made of its own folder and the kit."""
    copy = tmp_path / "checkout"
    for name in ("compose.yaml", ".dockerignore", "shared", "services", "gateway", "nginx", "postgres"):
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        else:
            copy.mkdir(exist_ok=True)
            shutil.copy2(source, copy / name)
    changed = copy / "services" / "users" / "src" / "vitrine_users" / "settings.py"
    layers = {}
    try:
        for version in ("test-before", "test-after"):
            versions = {f"VITRINE_{service.upper()}_VERSION": version for service in images}
            options = compose_options("vitrine-build", copy)
            engine.compose(*options, "build", environ={**environ, **versions}, timeout_s=900)
            for service in images:
                (image,) = engine.inspect(f"vitrine/{service}:{version}")
                layers[service, version] = image["RootFS"]["Layers"]
            changed.write_text(changed.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    finally:
        for service in images:
            for version in ("test-before", "test-after"):
                engine.docker("rmi", "--force", f"vitrine/{service}:{version}", check=False)

    same = {service: layers[service, "test-before"] == layers[service, "test-after"] for service in images}
    assert same == {"users": False, "catalog": True, "gateway": True, "nginx": True}
    before, after = layers["users", "test-before"], layers["users", "test-after"]
    assert before[:-1] == after[:-1]  # a release is one small layer on the packages of the one before


def test_a_restarted_service_takes_nobody_with_it(project: Project) -> None:
    """While users is away the catalogue answers every request, and users comes back by itself."""
    with Asking(project, "/api/catalog/v1/products?limit=1") as asking:
        project.compose("restart", "--timeout", "30", "users")
        project.wait_until_healthy("users")
    wait_until(lambda: project.ask("/api/users/v1/jwks.json").status == 200, timeout_s=30)

    assert asking.statuses.total() > 5
    assert set(asking.statuses) == {200}


def test_a_killed_process_is_started_again(project: Project) -> None:
    """The engine restarts what ends by itself."""
    before = project.containers("gateway")[0]["RestartCount"]
    project.engine.docker("exec", project.container("gateway"), "python", "-c", "import os; os.kill(1, 15)")
    wait_until(lambda: project.containers("gateway")[0]["RestartCount"] > before, timeout_s=60)
    project.wait_until_healthy("gateway")
    wait_until(lambda: project.ask("/").status == 200, timeout_s=30)


def test_a_service_is_scaled_while_it_serves(project: Project) -> None:
    """Nginx finds instances by name while it runs, spreads over them, and loses no request when one goes."""
    with Asking(project, "/api/catalog/v1/products?limit=1", token=project.token()) as asking:
        project.compose("up", "--detach", "--no-build", "--no-recreate", "--scale", "catalog=2", "catalog")
        project.wait_until_healthy("catalog")
        addresses = {
            network["IPAddress"]
            for found in project.containers("catalog")
            for name, network in found["NetworkSettings"]["Networks"].items()
            if name.endswith("_services")
        }
        assert len(addresses) == 2
        wait_until(lambda: addresses <= asked_instances(project), timeout_s=30)
        project.compose("up", "--detach", "--no-build", "--no-recreate", "--scale", "catalog=1", "catalog")

    assert set(asking.statuses) == {200}, asking.statuses


def test_survives_a_restart_of_the_database(project: Project) -> None:
    """The services stay up, say that they are not ready, and go on when PostgreSQL is back."""
    before = project.containers("catalog")[0]["RestartCount"]
    project.compose("restart", "--timeout", "30", "postgres")
    project.wait_until_healthy("postgres", "users", "catalog", "users-worker", "catalog-worker")
    wait_until(lambda: project.ask("/api/catalog/v1/products?limit=2").status == 200, timeout_s=30)

    assert project.containers("catalog")[0]["RestartCount"] == before


def test_starting_again_changes_nothing(project: Project) -> None:
    """Roles, migrations and data stand a second start; PostgreSQL keeps its volume."""
    before = project.ask("/api/catalog/v1/products?limit=100").json()["items"]
    project.compose("down", "--timeout", "30")
    assert project.containers() == []
    project.compose("up", "--detach", "--no-build", timeout_s=600)
    project.wait_until_healthy(*LASTING)
    wait_until(lambda: project.ask("/api/catalog/v1/products?limit=1").status == 200, timeout_s=30)

    assert project.ask("/api/catalog/v1/products?limit=100").json()["items"] == before


class Asking:
    """Asks one path over and over from a thread while a test does something else; counts the statuses."""

    def __init__(self, project: Project, path: str, *, token: str | None = None) -> None:
        self.statuses: Counter[int] = Counter()
        self._project = project
        self._path = path
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            self.statuses[self._project.ask(self._path, headers=self._headers).status] += 1


def asked_instances(project: Project) -> set[str]:
    """The addresses that answered the last requests for the catalogue, by Nginx's access log."""
    said = project.engine.docker("logs", "--tail", "200", project.container("nginx")).stdout
    entries = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    found = [entry for entry in entries if entry.get("path", "").startswith("/api/catalog/")]
    return {address.split(":")[0] for entry in found for address in entry["upstream"].split(", ") if address}


def multipart(name: str, kind: str, content: bytes, **fields: str) -> tuple[bytes, str]:
    """A form with a file, and its content type."""
    boundary = "vitrine-boundary"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    named = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    file = f"{named}Content-Type: {kind}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return b"".join(parts) + file, f"multipart/form-data; boundary={boundary}"


def png(width: int, height: int) -> bytes:
    """A plain picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((180, 90, 60)) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
