"""The stack's Nginx: the project's one configuration plus the few files that say what is special here."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from vitrine_ops.binaries import Nginx
from vitrine_ops.environment import internal_socket
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.options import Options
from vitrine_ops.places import Places
from vitrine_ops.programs import Program, write_private

PARTS = ("nginx.conf", "mime.types", "conf.d", "snippets", "errors")


class NginxConfiguration:
    """The configuration folder of one stack."""

    def __init__(self, places: Places, binary: Nginx) -> None:
        self.places = places
        self.binary = binary
        self.folder = places.run / "nginx"
        self.env = self.folder / "env"

    def install(self, source: Path) -> None:
        """Copies the project's configuration (the folder nginx/ of a release)."""
        for name in PARTS:
            target = self.folder / name
            if target.is_dir():
                shutil.rmtree(target)
            if (source / name).is_dir():
                shutil.copytree(source / name, target)
            else:
                shutil.copyfile(source / name, target)
        self.env.mkdir(mode=0o700, exist_ok=True)
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi", "pages"):
            (self.places.cache / name).mkdir(mode=0o700, exist_ok=True)

    def write_env(self, options: Options, *, upstreams: Mapping[str, Sequence[Path]], static: Path) -> None:
        """Writes every file of env/ (nginx/README.md)."""
        for name, text in render(
            options, self.places, self.binary, upstreams=upstreams, static=static
        ).items():
            write_private(self.env / name, text)

    def test(self) -> None:
        """Lets Nginx read the configuration.

        Raises:
            Failure: it cannot be used; what runs is untouched.
        """
        done = subprocess.run(
            [*self.command, "-t", "-q"], capture_output=True, text=True, check=False, cwd=self.places.run
        )
        if done.returncode != 0:
            raise Failure(Exit.SOFTWARE, f"Nginx refuses its configuration: {done.stderr.strip()}")

    @property
    def command(self) -> list[str]:
        """Nginx on this configuration."""
        return [
            str(self.binary.program),
            "-p",
            str(self.places.run),
            "-c",
            str(self.folder / "nginx.conf"),
            "-e",
            "stderr",
        ]

    def program(self) -> Program:
        """Nginx as the supervisor runs it; SIGQUIT lets it finish what it serves."""
        return Program(
            name="nginx",
            group="nginx",
            argv=(*self.command, "-g", "daemon off;"),
            env={"PATH": os.defpath, "TZ": "UTC"},
            cwd=self.places.run,
            log=self.places.log / "nginx.log",
            stop_signal=signal.SIGQUIT,
            stop_wait_s=10,
            priority=900,
            clear_wait_s=0.2,
            clear_kill=False,
            unlink=(str(internal_socket(self.places)),),
            facts={"service": "nginx", "version": self.binary.label, "origin": self.binary.origin},
        )


def render(
    options: Options, places: Places, binary: Nginx, *, upstreams: Mapping[str, Sequence[Path]], static: Path
) -> dict[str, str]:
    """The files of env/ by name."""
    cache, log = places.cache, places.log
    workers = min(4, os.cpu_count() or 1)
    counted = "" if options.limit_loopback else "    127.0.0.0/8 0;\n    ::1 0;\n"
    http = [f'{name}_temp_path "{cache / folder}";' for name, folder in _TEMPORARY.items()]
    http += [
        f'proxy_cache_path "{cache / "pages"}" levels=1:2 keys_zone=vitrine:10m max_size=256m inactive=10m '
        "use_temp_path=off;",
        f'access_log "{log / "access.log"}" vitrine;',
        "geo $vitrine_counted_address {\n    default 1;\n" + counted + "}",
        'map $vitrine_counted_address $vitrine_counted {\n    default $binary_remote_addr;\n    0 "";\n}',
        f'map "" $vitrine_scheme {{\n    default {options.address.partition(":")[0]};\n}}',
    ]
    if binary.keeps_connections_on_reload:
        http.append("keepalive_min_timeout 3s;")
    return {
        "main.conf": f'pid "{places.run / "nginx.pid"}";\nerror_log stderr notice;\nworker_processes {workers};\n',
        "http.conf": "\n".join(http) + "\n",
        "upstreams.conf": "\n".join(upstream(name, sockets) for name, sockets in upstreams.items()),
        "listen.conf": "".join(f"listen {address};\n" for address in listen_addresses(options)),
        "listen_internal.conf": f'listen "unix:{internal_socket(places)}";\n',
        "static.conf": f'alias "{static}/";\n',
        "media.conf": f'alias "{places.media}/";\n',
        "errors.conf": f'alias "{places.run / "nginx" / "errors"}/";\n',
    }


_TEMPORARY = {"client_body": "body", "proxy": "proxy", "fastcgi": "fastcgi", "uwsgi": "uwsgi", "scgi": "scgi"}


def upstream(name: str, sockets: Sequence[Path]) -> str:
    """An upstream over its instances' sockets; a single one stands there twice, so that a failed try has a second."""
    lines = [f'    server "unix:{socket}" max_fails=0;' for socket in sockets]
    if len(sockets) == 1:
        lines.append(f'    server "unix:{sockets[0]}" max_fails=0 backup;')
    body = "\n".join(lines)
    return f"upstream {name} {{\n    zone {name} 128k;\n{body}\n    keepalive 32;\n    keepalive_timeout 60s;\n}}\n"


def listen_addresses(options: Options) -> list[str]:
    """The public server's addresses: `localhost` is the loopback of both families, `*` every address."""
    if options.host == "localhost":
        return [f"127.0.0.1:{options.port}"] + ([f"[::1]:{options.port}"] if has_ipv6() else [])
    if options.host in {"*", "0.0.0.0"}:  # noqa: S104 - asked for by the person
        return [f"{options.port}"] + ([f"[::]:{options.port}"] if has_ipv6() else [])
    host = f"[{options.host}]" if ":" in options.host and not options.host.startswith("[") else options.host
    return [f"{host}:{options.port}"]


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    import socket

    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
