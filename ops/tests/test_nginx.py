"""The real Nginx on the project's configuration, with stand-ins behind it: routes, headers, limits, cache, failures."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from stub_upstreams import Upstream, slow
from vitrine_ops.binaries import Nginx, find_nginx
from vitrine_ops.environment import internal_socket
from vitrine_ops.exits import Failure
from vitrine_ops.nginx import NginxConfiguration, listen_addresses, render, upstream
from vitrine_ops.options import Options
from vitrine_ops.places import Places

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = ("users", "catalog", "gateway")


@dataclass(frozen=True)
class Raw:
    """What came back for a path sent exactly as it stands."""

    status: int
    body: bytes


@dataclass
class Edge:
    """A running Nginx and the stand-ins behind it."""

    port: int
    places: Places
    upstreams: dict[str, Upstream]
    configuration: NginxConfiguration

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def raw(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Raw:
        """A request whose path reaches Nginx exactly as it stands here."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        with closing(connection):
            response = connection.getresponse()
            return Raw(response.status, response.read())


def running(folder: Path, options: Options, *, instances: int = 1) -> Iterator[Edge]:
    places = Places(folder / "s")
    places.make()
    configuration = NginxConfiguration(places, find_nginx())
    configuration.install(CHECKOUT / "nginx")
    static = folder / "static"
    (static / "css").mkdir(parents=True)
    (static / "css" / "site.css").write_text("body{}" * 1000, encoding="utf-8")
    (static / "face.woff2").write_bytes(b"face")
    (places.media / "p.webp").write_bytes(b"picture")
    sockets = {name: [places.run / f"{name}-{number}.sock" for number in range(instances)] for name in NAMES}
    upstreams = {
        path.stem if instances > 1 else name: Upstream(name, path)
        for name, paths in sockets.items()
        for path in paths
    }
    configuration.write_env(options, upstreams=sockets, static=static)
    if os.geteuid() == 0:
        # The stack never runs Nginx as root; a test that does must let it stay root, to enter its folders.
        main = configuration.env / "main.conf"
        main.write_text(f"user root;\n{main.read_text(encoding='utf-8')}", encoding="utf-8")
    configuration.test()
    log = (places.log / "nginx.log").open("wb")
    process = subprocess.Popen([*configuration.command, "-g", "daemon off;"], cwd=places.run, stderr=log)
    edge = Edge(options.port, places, upstreams, configuration)
    try:
        wait_for(lambda: answers(edge))
        yield edge
    finally:
        process.terminate()
        process.wait(timeout=10)
        for one in upstreams.values():
            one.stop()
        log.close()


def answers(edge: Edge) -> bool:
    try:
        return httpx.get(f"{edge.url}/nginx-health").status_code == 200
    except httpx.HTTPError:
        return False


def wait_for(condition: Callable[[], object], timeout_s: float = 15) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    yield from running(short_folder(tmp_path_factory), Options(port=free_port()))


@pytest.fixture
def edge(served: Edge) -> Edge:
    for one in served.upstreams.values():
        one.seen.clear()
        one.answer = one.tell
    return served


def short_folder(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("n")


# Routes


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/users/v1/me", "users"),
        ("/api/users/openapi.json", "users"),
        ("/api/catalog/v1/products?limit=3", "catalog"),
        ("/api/catalog/v1/imports", "catalog"),
        ("/", "gateway"),
        ("/products/a-lamp", "gateway"),
        ("/api", "gateway"),
        ("/api/orders/v1/x", "gateway"),
        ("/internals", "gateway"),
        ("/status", "gateway"),
    ],
)
def test_a_path_reaches_its_service_as_it_was_sent(edge: Edge, path: str, service: str) -> None:
    found = httpx.get(edge.url + path).json()
    assert found == {"service": service, "path": path}


@pytest.mark.parametrize(
    "path",
    [
        "/internal",
        "/internal/people",
        "//internal/people",
        "/internal//people",
        "/INTERNAL/people",
        "/Internal/People",
        "/%69nternal/people",
        "/%49%4e%54%45%52%4e%41%4c/people",
        "/internal%2fpeople",
        "/%2finternal/people",
        "/internal;x=1/people",
        "/./internal/people",
        "/x/../internal/people",
        "/api/users/../../internal/people",
        "/api/users/..%2f..%2finternal/people",
        "/api/users/%2e%2e/%2e%2e/internal/people",
        "/api/users/..;/internal/people",
        "/static/../internal/people",
        "/internal?x=1",
        "/livez",
        "/readyz",
        "/metrics",
    ],
)
def test_what_is_internal_does_not_exist_outside_in_any_spelling(edge: Edge, path: str) -> None:
    assert edge.raw(path).status in {400, 404}
    assert [one.seen for one in edge.upstreams.values()] == [[], [], []]


def test_a_query_that_speaks_of_internal_is_no_trick(edge: Edge) -> None:
    assert httpx.get(f"{edge.url}/search?q=/../internal/x").json()["service"] == "gateway"


@pytest.mark.parametrize("name", NAMES)
def test_services_reach_internal_paths_of_one_another_over_the_socket(edge: Edge, name: str) -> None:
    transport = httpx.HTTPTransport(uds=str(internal_socket(edge.places)))
    headers = {"X-Vitrine-Service": "a.b.c", "X-Request-Timeout-Ms": "700", "X-Request-Id": "request-0001"}
    with httpx.Client(transport=transport) as neighbour:
        found = neighbour.get(f"http://{name}:8000/internal/people", headers=headers)
    assert found.json() == {"service": name, "path": "/internal/people"}
    reached = edge.upstreams[name].seen[-1]["headers"]
    assert {header: reached[header.lower()] for header in headers} == headers


def test_a_host_that_is_no_service_reaches_nobody_over_the_socket(edge: Edge) -> None:
    transport = httpx.HTTPTransport(uds=str(internal_socket(edge.places)))
    with httpx.Client(transport=transport) as neighbour:
        assert neighbour.get("http://elsewhere/internal/people").status_code == 404


# Headers


def test_internal_and_forwarding_headers_from_outside_are_replaced(edge: Edge) -> None:
    lies = {
        "X-Vitrine-Service": "forged",
        "X-Request-Timeout-Ms": "999999",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "Proxy": "http://evil.example",
        "X_Vitrine_Service": "forged",
    }
    httpx.get(f"{edge.url}/api/users/v1/me", headers=lies)
    reached = edge.upstreams["users"].seen[-1]["headers"]
    assert reached["x-request-timeout-ms"] == "5000"
    assert reached["x-forwarded-for"] == reached["x-real-ip"] == "127.0.0.1"
    assert reached["x-forwarded-host"] == reached["host"] == f"127.0.0.1:{edge.port}"
    assert reached["x-forwarded-proto"] == "http"
    for name in ("x-vitrine-service", "x_vitrine_service", "x-forwarded-prefix", "forwarded", "proxy"):
        assert name not in reached


def test_every_internal_header_the_kit_knows_is_stripped() -> None:
    known: set[str] = set()
    for path in [
        *(CHECKOUT / "shared" / "src").rglob("*.py"),
        *(CHECKOUT / "services").glob("*/src/**/*.py"),
    ]:
        known |= {
            name.lower() for name in re.findall(r"X-Vitrine-[A-Za-z-]+", path.read_text(encoding="utf-8"))
        }
    stripped = (CHECKOUT / "nginx" / "snippets" / "proxy.conf").read_text(encoding="utf-8").lower()
    assert known
    for name in known:
        assert f'proxy_set_header {name} "";' in stripped


@pytest.mark.parametrize("given", ["abcdefgh", "0190f8a2-7c1e-7f3a-8a2b-1c2d3e4f5a6b", "A.b_c-9" * 9])
def test_a_sane_request_id_is_kept_and_returned(edge: Edge, given: str) -> None:
    answer = httpx.get(f"{edge.url}/api/users/v1/me", headers={"X-Request-Id": given})
    assert answer.headers.get_list("x-request-id") == [given]
    assert edge.upstreams["users"].seen[-1]["headers"]["x-request-id"] == given


@pytest.mark.parametrize("given", ["short", "x" * 65, 'quo"ted-12345', "spa ced-12345", "<script>alert", ""])
def test_any_other_request_id_is_replaced(edge: Edge, given: str) -> None:
    answer = httpx.get(f"{edge.url}/api/users/v1/me", headers={"X-Request-Id": given})
    made = answer.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert edge.upstreams["users"].seen[-1]["headers"]["x-request-id"] == made


def test_a_page_keeps_its_own_security_headers_and_gets_the_missing_ones_once(edge: Edge) -> None:
    policy = "default-src 'self'"
    edge.upstreams["gateway"].answer = lambda _request: (
        200,
        {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"},
        b"",
    )
    headers = httpx.get(f"{edge.url}/own").headers
    assert headers.get_list("content-security-policy") == [policy]
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("referrer-policy") == ["strict-origin-when-cross-origin"]
    assert headers.get_list("x-frame-options") == ["DENY"]
    assert "strict-transport-security" not in headers
    assert headers["server"] == "nginx"


def test_an_api_answer_may_not_be_framed_nor_run(edge: Edge) -> None:
    headers = httpx.get(f"{edge.url}/api/users/v1/me").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


# Files


def test_static_files_are_served_directly_and_forever_where_the_address_carries_a_version(edge: Edge) -> None:
    for path, lifetime in {
        "/static/css/site.css?v=56b1282c40d4": "public, max-age=31536000, immutable",
        "/static/face.woff2": "public, max-age=31536000, immutable",
        "/static/css/site.css": "public, max-age=3600",
    }.items():
        answer = httpx.get(edge.url + path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == lifetime
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert edge.upstreams["gateway"].seen == []


def test_pictures_are_served_directly_and_can_run_nothing(edge: Edge) -> None:
    answer = httpx.get(f"{edge.url}/media/p.webp")
    assert answer.content == b"picture"
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../nginx.conf",
        "/media/../secrets/users_secret_key",
        "/static/%2e%2e/x",
        "/media..%2fsecrets",
        "/media../secrets",
    ],
)
def test_no_path_leads_out_of_the_folders(edge: Edge, path: str) -> None:
    answer = edge.raw(path)
    if answer.status == 200:  # a path of the shop like any other, then
        assert json.loads(answer.body)["service"] == "gateway"
    else:
        assert answer.status in {400, 404}


def test_a_missing_file_is_a_plain_page_that_nobody_caches(edge: Edge) -> None:
    answer = httpx.get(f"{edge.url}/static/none.css")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    assert "There is nothing here" in answer.text


def test_text_is_compressed_for_who_can_read_it(edge: Edge) -> None:
    answer = httpx.get(f"{edge.url}/static/css/site.css", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert (
        "content-encoding"
        not in httpx.get(f"{edge.url}/static/css/site.css", headers={"Accept-Encoding": "identity"}).headers
    )


# Sizes


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/users/v1/me", None),
        ("/sign-in", None),
        ("/api/catalog/v1/imports", "catalog"),
        ("/api/catalog/v1/products/1/pictures", "catalog"),
        ("/studio/imports", "gateway"),
        ("/studio/products/1/pictures", "gateway"),
    ],
)
def test_only_uploads_may_be_large(edge: Edge, path: str, service: str | None) -> None:
    answer = httpx.post(edge.url + path, content=b"x" * 3_000_000)
    if service is None:
        assert answer.status_code == 413
        assert all(one.seen == [] for one in edge.upstreams.values())
    else:
        request = edge.upstreams[service].seen[-1]
        assert request["length"] == 3_000_000
        assert request["headers"]["x-request-timeout-ms"] == "65000"


def test_an_upload_of_unknown_length_is_streamed_on(edge: Edge) -> None:
    def pieces() -> Iterator[bytes]:
        for _piece in range(30):
            yield b"x" * 100_000

    httpx.post(f"{edge.url}/api/catalog/v1/imports", content=pieces())
    assert edge.upstreams["catalog"].seen[-1]["length"] == 3_000_000
    assert edge.upstreams["catalog"].seen[-1]["headers"]["transfer-encoding"] == "chunked"


def test_an_upload_beyond_the_limit_is_refused(edge: Edge) -> None:
    answer = edge.raw("/api/catalog/v1/imports", "POST", {"Content-Length": str(70 * 1024 * 1024)})
    assert answer.status == 413
    assert json.loads(answer.body)["status"] == 413


# Failures


def test_a_service_that_is_gone_is_a_problem_under_api_and_a_page_elsewhere(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    for edge in running(short_folder(tmp_path_factory), Options(port=free_port())):
        edge.upstreams["users"].stop()
        edge.upstreams["gateway"].stop()
        answer = httpx.get(f"{edge.url}/api/users/v1/jwks.json", headers={"X-Request-Id": "request-0001"})
        assert answer.status_code == 502
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["status"] == 502
        assert answer.json()["request_id"] == "request-0001"
        page = httpx.get(f"{edge.url}/")
        assert page.status_code == 502
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["retry-after"] == "2"
        assert "will be right back" in page.text
        assert httpx.get(f"{edge.url}/api/catalog/v1/products").status_code == 200


def test_a_services_own_errors_pass_untouched(edge: Edge) -> None:
    edge.upstreams["catalog"].answer = lambda _request: (
        503,
        {"Content-Type": "application/problem+json", "Retry-After": "7"},
        b'{"own": true}',
    )
    answer = httpx.get(f"{edge.url}/api/catalog/v1/own")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (503, "7", {"own": True})


def test_a_service_that_hangs_is_a_504_problem(edge: Edge) -> None:
    edge.upstreams["users"].answer = slow(9)
    answer = httpx.get(f"{edge.url}/api/users/v1/me", timeout=20)
    assert answer.status_code == 504
    assert answer.json()["title"] == "Gateway Timeout"
    assert len(edge.upstreams["users"].seen) == 1


def test_a_dead_instance_is_passed_over(tmp_path_factory: pytest.TempPathFactory) -> None:
    for edge in running(short_folder(tmp_path_factory), Options(port=free_port()), instances=2):
        edge.upstreams["catalog-0"].stop()
        answers = [
            httpx.get(f"{edge.url}/api/catalog/v1/products?n={number}").status_code for number in range(12)
        ]
        posts = [httpx.post(f"{edge.url}/api/catalog/v1/products").status_code for _number in range(6)]
        assert set(answers + posts) == {200}
        assert len(edge.upstreams["catalog-1"].seen) == 18


def test_both_instances_are_used(tmp_path_factory: pytest.TempPathFactory) -> None:
    for edge in running(short_folder(tmp_path_factory), Options(port=free_port()), instances=2):
        for number in range(20):
            httpx.get(f"{edge.url}/api/catalog/v1/products?n={number}")
        counts = [len(edge.upstreams[f"catalog-{number}"].seen) for number in range(2)]
        assert min(counts) >= 5


def test_a_request_that_may_have_had_an_effect_is_never_sent_twice(edge: Edge) -> None:
    def vanish(_request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        raise ConnectionResetError

    edge.upstreams["catalog"].answer = vanish
    assert httpx.post(f"{edge.url}/api/catalog/v1/products", json={}).status_code == 502
    assert len(edge.upstreams["catalog"].seen) == 1
    edge.upstreams["catalog"].seen.clear()
    assert httpx.get(f"{edge.url}/api/catalog/v1/once").status_code == 502
    assert len(edge.upstreams["catalog"].seen) == 2


# The micro-cache


def public(
    body: bytes = b"page", lifetime: str = "public, max-age=60"
) -> Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]:
    return lambda _request: (
        200,
        {"Cache-Control": lifetime, "Vary": "Cookie", "Content-Type": "text/html"},
        body,
    )


def test_public_answers_are_kept_for_anonymous_readers(edge: Edge) -> None:
    edge.upstreams["gateway"].answer = public()
    ids = []
    for expected in ("MISS", "HIT", "HIT"):
        answer = httpx.get(f"{edge.url}/kept")
        assert answer.headers["x-cache"] == expected
        ids.append(answer.headers["x-request-id"])
    assert len(edge.upstreams["gateway"].seen) == 1
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer x"},
        {"Cookie": "__Host-vitrine_session=abc"},
        {"Cookie": "theme=dark; vitrine_session=abc"},
        {"Cookie": "__Host-vitrine_form=abc"},
    ],
)
def test_a_known_reader_never_meets_the_cache(edge: Edge, headers: dict[str, str]) -> None:
    edge.upstreams["gateway"].answer = public(b"anonymous")
    path = f"{edge.url}/bypass-{abs(hash(str(headers)))}"
    assert httpx.get(path).text == "anonymous"
    edge.upstreams["gateway"].answer = public(b"personal")
    assert httpx.get(path, headers=headers).text == "personal"
    assert httpx.get(path).text == "anonymous"


def test_cookies_that_do_not_matter_share_the_cache(edge: Edge) -> None:
    edge.upstreams["gateway"].answer = public()
    httpx.get(f"{edge.url}/cookies", headers={"Cookie": "visit=1"})
    assert httpx.get(f"{edge.url}/cookies", headers={"Cookie": "visit=2"}).headers["x-cache"] == "HIT"


@pytest.mark.parametrize("lifetime", ["private, max-age=60", "no-store", "max-age=60", "no-cache"])
def test_nothing_is_kept_that_the_service_does_not_call_public(edge: Edge, lifetime: str) -> None:
    edge.upstreams["gateway"].answer = public(lifetime=lifetime)
    path = f"{edge.url}/private-{lifetime.replace(' ', '').replace(',', '-')}"
    assert {httpx.get(path).headers["x-cache"] for _time in range(2)} == {"MISS"}


def test_a_page_and_a_document_at_one_address_are_kept_apart(edge: Edge) -> None:
    edge.upstreams["gateway"].answer = public(b"page")
    httpx.get(f"{edge.url}/both", headers={"Accept": "text/html"})
    assert httpx.get(f"{edge.url}/both", headers={"Accept": "application/json"}).headers["x-cache"] == "MISS"


def test_a_stale_answer_is_shown_while_the_service_is_down(edge: Edge) -> None:
    edge.upstreams["gateway"].answer = public(b"kept", "public, max-age=1")
    httpx.get(f"{edge.url}/stale")
    edge.upstreams["gateway"].answer = lambda _request: (503, {}, b"down")
    wait_for(lambda: httpx.get(f"{edge.url}/stale").headers["x-cache"] == "STALE")
    answer = httpx.get(f"{edge.url}/stale")
    assert (answer.status_code, answer.text) == (200, "kept")


# Limits


def test_sign_in_is_limited_for_each_address_and_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    for edge in running(short_folder(tmp_path_factory), Options(port=free_port(), limit_loopback=True)):
        with httpx.Client() as client:
            tokens = [client.post(f"{edge.url}/api/users/v1/tokens") for _attempt in range(30)]
            statuses = [answer.status_code for answer in tokens]
            assert statuses[:15] == [200] * 15
            assert 429 in statuses
            refused = tokens[statuses.index(429)]
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["retry-after"] == "2"
            page = client.post(f"{edge.url}/sign-in")
            assert page.status_code == 429
            assert "One moment" in page.text
            assert client.get(f"{edge.url}/sign-in").status_code == 200
            assert client.get(f"{edge.url}/api/catalog/v1/products").status_code == 200


def test_the_operators_own_machine_is_not_limited(edge: Edge) -> None:
    with httpx.Client() as client:
        assert {client.post(f"{edge.url}/api/users/v1/tokens").status_code for _attempt in range(40)} == {200}


# Logs


def test_the_access_log_is_json_with_the_request_id_and_no_secret(edge: Edge) -> None:
    httpx.get(
        f'{edge.url}/logged"page?token=secret',
        headers={"X-Request-Id": "request-log-1", "User-Agent": 'a "browser"'},
    )
    httpx.get(f"{edge.url}/sign-in/link/one-time-secret", headers={"X-Request-Id": "request-log-2"})
    log = edge.places.log / "access.log"
    wait_for(lambda: "request-log-2" in log.read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    found = {line["request_id"]: line for line in lines}
    first = found["request-log-1"]
    assert (first["method"], first["path"], first["status"], first["agent"]) == (
        "GET",
        '/logged"page',
        200,
        'a "browser"',
    )
    assert first["upstream"].startswith("unix:")
    assert found["request-log-2"]["path"] == "/sign-in/link/…"
    assert "token=secret" not in log.read_text(encoding="utf-8")


# Rendering


def test_a_single_instance_is_its_own_second_try() -> None:
    assert upstream("users", [Path("/run/u.sock")]).count('server "unix:/run/u.sock" max_fails=0') == 2
    assert "backup" not in upstream("users", [Path("/a.sock"), Path("/b.sock")])


def test_what_an_older_nginx_does_not_know_is_left_out() -> None:
    def http(version: tuple[int, ...]) -> str:
        sockets = {name: [Path("/x.sock")] for name in NAMES}
        return render(
            Options(),
            Places(Path("/srv/x")),
            Nginx(Path("nginx"), version, "system"),
            upstreams=sockets,
            static=Path("/s"),
        )["http.conf"]

    assert "keepalive_min_timeout" not in http((1, 22, 1))
    assert "keepalive_min_timeout" in http((1, 27, 4))


@pytest.mark.parametrize(
    ("host", "first"),
    [
        ("localhost", "127.0.0.1:80"),
        ("*", "80"),
        ("192.0.2.1", "192.0.2.1:80"),
        ("2001:db8::1", "[2001:db8::1]:80"),
    ],
)
def test_the_address_to_listen_on(host: str, first: str) -> None:
    assert listen_addresses(Options(port=80, host=host))[0] == first


def test_a_configuration_nginx_refuses_is_told(edge: Edge, tmp_path: Path) -> None:
    copy = NginxConfiguration(edge.places, edge.configuration.binary)
    copy.folder = tmp_path / "nginx"
    shutil.copytree(edge.configuration.folder, copy.folder)
    (copy.folder / "env" / "http.conf").write_text("nonsense on;", encoding="utf-8")
    with pytest.raises(Failure, match="nonsense"):
        copy.test()
