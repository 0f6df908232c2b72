"""Gives each service its schema and its two roles, and checks that a server of the user's own can carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from vitrine_ops.binaries import OLDEST_POSTGRES
from vitrine_ops.catalogue import WITH_DATABASE
from vitrine_ops.exits import Exit, Failure


@dataclass(frozen=True)
class Roles:
    """One service's two roles and their passwords."""

    schema: str
    owner: str
    owner_password: str
    runtime: str
    runtime_password: str


@dataclass(frozen=True)
class ServerFacts:
    """What a server says of itself."""

    version: str
    max_connections: int
    identifier: str
    """Tells this database from another at the same address."""


async def provision(connection: asyncpg.Connection, roles: list[Roles], sql: str) -> None:
    """Makes each service's roles, schema and rights by postgres/service.sql; again, it changes nothing but passwords.

    Raises:
        Failure: a schema of that name belongs to somebody else, or a right is missing.
    """
    for role in roles:
        try:
            async with connection.transaction():
                await connection.fetchval(
                    "SELECT set_config('vitrine.service', $1, true), set_config('vitrine.owner_password', $2, true),"
                    " set_config('vitrine.app_password', $3, true)",
                    role.schema,
                    role.owner_password,
                    role.runtime_password,
                )
                await connection.execute(sql)
        except asyncpg.DuplicateSchemaError as error:
            raise Failure(
                Exit.CONFIG, f"{error}.", hint="Use a database of Vitrine's own, or rename that schema."
            ) from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise Failure(
                Exit.CONFIG, f"the database's role lacks a right that {role.schema} needs: {error}."
            ) from error


async def facts(connection: asyncpg.Connection) -> ServerFacts:
    """Version, connection limit, and what tells this database from another."""
    row = await connection.fetchrow(
        "SELECT current_setting('server_version') AS version, current_setting('max_connections')::int AS limit,"
        " (SELECT oid::text || ':' || datname FROM pg_database WHERE datname = current_database()) AS identifier"
    )
    return ServerFacts(row["version"], row["limit"], row["identifier"])


async def check_server(connection: asyncpg.Connection) -> None:
    """Refuses a server that cannot carry Vitrine.

    Raises:
        Failure: it is too old, or the role may not create roles and schemas.
    """
    number = int(await connection.fetchval("SHOW server_version_num"))
    if number < OLDEST_POSTGRES * 10000:
        version = await connection.fetchval("SHOW server_version")
        raise Failure(
            Exit.CONFIG,
            f"DATABASE_URL names PostgreSQL {version}; Vitrine needs {OLDEST_POSTGRES} or newer.",
            server_version=version,
        )
    rights = await connection.fetchrow(
        "SELECT rolsuper, rolcreaterole, has_database_privilege(current_database(), 'CREATE') AS creates,"
        " current_user AS role, current_database() AS database FROM pg_roles WHERE rolname = current_user"
    )
    if not rights["rolsuper"]:
        missing = []
        if not rights["rolcreaterole"]:
            missing.append(f"ALTER ROLE {_name(rights['role'])} CREATEROLE;")
        if not rights["creates"]:
            missing.append(
                f"GRANT CREATE ON DATABASE {_name(rights['database'])} TO {_name(rights['role'])};"
            )
        if missing:
            raise Failure(
                Exit.CONFIG,
                f"the role {rights['role']!r} of DATABASE_URL may not create roles and schemas in "
                f"{rights['database']!r}.",
                hint="A superuser can allow it: " + " ".join(missing),
            )


async def connect_own(url: str) -> asyncpg.Connection:
    """Connects to the user's own server, turning each way this can fail into a plain sentence.

    Raises:
        Failure: the address is wrong, or the server refuses.
    """
    shown = without_password(url)
    if not re.match(r"^postgres(ql)?://", url):
        raise Failure(
            Exit.CONFIG,
            f"DATABASE_URL is no PostgreSQL address: {shown}",
            hint="postgresql://user:password@host:5432/database",
        )
    try:
        return await asyncpg.connect(url, timeout=10)
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise Failure(
            Exit.CONFIG, f"the server of DATABASE_URL refuses the role or its password: {error}"
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise Failure(Exit.CONFIG, f"the server of DATABASE_URL has no such database: {error}") from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise Failure(
            Exit.UNAVAILABLE,
            f"the server of DATABASE_URL ({shown}) cannot be reached: {error or type(error).__name__}",
        ) from error


def service_address(admin_url: str, role: str, password: str) -> str:
    """The admin's address with another role's name and password."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(
            scheme="postgresql", netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{host}"
        )
    )


def without_password(url: str) -> str:
    """An address that can be shown."""
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:…@", url)


def roles_for(passwords: dict[str, str]) -> list[Roles]:
    """Each service's roles; `passwords` has `<service>_owner` and `<service>_app`."""
    return [
        Roles(
            schema=service.name,
            owner=f"{service.name}_owner",
            owner_password=passwords[f"{service.name}_owner"],
            runtime=f"{service.name}_app",
            runtime_password=passwords[f"{service.name}_app"],
        )
        for service in WITH_DATABASE
    ]


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
