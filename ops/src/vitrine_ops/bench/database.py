"""The bench's database: a PostgreSQL of its own for the length of a run, or a given one, with the same rows for all."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from vitrine_ops.bench.servers import free_port
from vitrine_ops.binaries import find_postgres
from vitrine_ops.exits import Exit, Failure

ROWS = 10_000

_TABLE = f"""
drop schema if exists bench cascade;
create schema bench;
create table bench.items (
    id bigint primary key, slug text not null, title text not null, description text not null,
    vendor text not null, price_minor integer not null, currency text not null, on_hand integer not null,
    tags jsonb not null
);
insert into bench.items
select n, 'product-' || n, 'Product number ' || n,
       repeat('A plain sentence about product ' || n || '. ', 5), 'Vendor ' || n % 40,
       100 + n * 7 % 90000, 'EUR', n % 50, jsonb_build_array('tag-' || n % 5, 'tag-' || n % 7, 'size-' || n % 3)
from generate_series(1, {ROWS}) n;
analyze bench.items;
"""


@contextmanager
def database(
    environ: Mapping[str, str], folder: Path, account: Mapping[str, Any], *, socket: bool = False
) -> Iterator[str]:
    """The address of a database with the bench's rows; by a `socket` in place of TCP, as in a running stack.

    VITRINE_BENCH_DATABASE_URL names one to use (its schema `bench` is replaced); else a server is started in
    `folder`, as the account that `account` names (PostgreSQL refuses root).
    """
    given = environ.get("VITRINE_BENCH_DATABASE_URL")
    if given:
        asyncio.run(_run_sql(given, _TABLE))
        try:
            yield given
        finally:
            asyncio.run(_run_sql(given, "drop schema if exists bench cascade"))
        return
    with _server(folder, account, socket=socket) as url:
        asyncio.run(_run_sql(url, _TABLE))
        yield url


async def _run_sql(url: str, statements: str) -> None:
    try:
        connection = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError) as error:
        raise Failure(Exit.UNAVAILABLE, f"the bench's database cannot be reached: {error}") from error
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


@contextmanager
def _server(folder: Path, account: Mapping[str, Any], *, socket: bool) -> Iterator[str]:
    binaries = find_postgres().bin
    data, password, port = folder / "postgres", secrets.token_hex(16), free_port()
    password_file = folder / "password"
    password_file.write_text(password)
    password_file.chmod(0o600)
    if account:
        shutil.chown(password_file, account["user"], account["group"])
    initdb = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "bench",
        "-A",
        "scram-sha-256",
        "--pwfile",
        password_file,
    ]
    _run([*initdb, "-E", "UTF8", "--locale=C", "--no-sync"], folder, account)
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=300 -c jit=off"
    settings += " -c shared_buffers=256MB"
    control = [binaries / "pg_ctl", "-D", data]
    _run([*control, "-w", "-s", "-l", folder / "postgres.log", "-o", settings, "start"], folder, account)
    try:
        if socket:
            yield f"postgresql://bench:{password}@/postgres?host={quote(str(folder))}&port={port}"
        else:
            yield f"postgresql://bench:{password}@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-s", "-m", "immediate", "stop"], folder, account)


def _run(command: list[Any], folder: Path, account: Mapping[str, Any]) -> None:
    output = folder / "commands.log"
    with output.open("ab") as log:
        arguments = [str(part) for part in command]
        done = subprocess.run(
            arguments, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False, **account
        )
    if done.returncode != 0:
        raise Failure(Exit.SOFTWARE, f"{arguments[0]} failed: {output.read_text(errors='replace').strip()}")
