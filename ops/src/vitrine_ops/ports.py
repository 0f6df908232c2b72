"""Tells before a start whether the public port can be had, and if not, who has it."""

from __future__ import annotations

import errno
import socket

from vitrine_ops.exits import Exit, Failure
from vitrine_ops.nginx import listen_addresses
from vitrine_ops.options import Options


def check(options: Options) -> None:
    """Tries each address the public server will listen on.

    Raises:
        Failure: another program listens there, the address is not this machine's, or the port needs more rights.
    """
    for address in listen_addresses(options):
        host, _, port = address.rpartition(":")
        _try(host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 - asked for by the person


def _try(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise _explain(error, host, port) from error


def _explain(error: OSError, host: str, port: int) -> Failure:
    if error.errno == errno.EADDRINUSE:
        holder = who_listens(port)
        by = f" by {holder}" if holder else ""
        return Failure(
            Exit.PORT_TAKEN,
            f"port {port} is taken{by}.",
            hint=f"Choose another: ./vitrine up --port {port + 1 if port < 65535 else 8080}",
            port=port,
            holder=holder,
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Failure(
            Exit.NO_PERMISSION,
            f"the account that runs Vitrine may not listen on port {port}.",
            hint="Choose a port of 1024 or above, and let a proxy or the firewall forward the low one.",
            port=port,
        )
    return Failure(Exit.CONFIG, f"cannot listen on {host} port {port}: {error.strerror}.", port=port)


def who_listens(port: int) -> str | None:
    """The program listening on the port, such as "nginx (pid 4711)"; None where the system does not tell."""
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None
    for found in connections:
        if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port and found.pid:
            try:
                return f"{psutil.Process(found.pid).name()} (pid {found.pid})"
            except psutil.Error:
                return f"pid {found.pid}"
    return None
