"""The command line of `./vitrine`: a parser for each command, and how its failures become exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from vitrine_ops import people
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.output import Output

SERVICE_NAMES = ("users", "catalog", "gateway")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"vitrine: {message}", file=sys.stderr)
        sys.exit(int(Exit.USAGE))


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    parser = _Parser(
        prog="vitrine", description="Vitrine's one command. Exit codes are listed in ops/README.md."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def add(name: str, text: str, *, stack: bool = True, json: bool = True) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=text, description=text)
        if stack:
            found.add_argument(
                "--data",
                metavar="DIR",
                help="the data directory (VITRINE_DATA; default .vitrine in the checkout)",
            )
        if json:
            found.add_argument(
                "--json",
                action="store_true",
                help="print one JSON document and nothing else on standard output",
            )
        return found

    up = add("up", "start everything and wait until it is ready; Ctrl-C stops it")
    up.add_argument("-d", "--detach", action="store_true", help="leave it running and return")
    up.add_argument("--port", help="the public port (VITRINE_PORT; default 8080)")
    up.add_argument(
        "--host", help="the address to listen on (VITRINE_HOST; default localhost, * for every address)"
    )
    up.add_argument("--workers", help="workers of each web instance (VITRINE_WORKERS; default 2)")
    up.add_argument("--instances", help="web instances of each service (VITRINE_INSTANCES; default 1)")
    up.add_argument(
        "--dev",
        action="store_true",
        help="run the code of the checkout, reload it on changes, show the debug toolbar",
    )
    up.add_argument("--no-seed", action="store_true", help="leave a new shop empty")
    add("down", "stop everything")
    add("status", "tell each process's version, readiness and memory")
    logs = add("logs", "show what the processes write")
    logs.add_argument(
        "service", nargs="?", help="users, catalog, gateway, nginx, access, postgres or supervisor"
    )
    logs.add_argument(
        "-f", "--follow", action="store_true", help="go on with new lines; with --json one object a line"
    )
    logs.add_argument("-n", "--lines", default="100", help="how many of the newest lines (default 100)")
    add("doctor", "look at everything the stack needs; changes nothing")
    deploy = add("deploy", "bring one service to the checkout's code while it serves")
    deploy.add_argument("service", choices=SERVICE_NAMES)
    for name, text in (
        ("start", "start a service that was stopped"),
        ("stop", "stop one service; the others go on"),
    ):
        add(name, text).add_argument("service", choices=SERVICE_NAMES)
    migrate = add("migrate", "bring the schemas to the checkout's code, as a step of its own")
    migrate.add_argument("service", nargs="?", choices=SERVICE_NAMES[:2])
    importing = add("import", "bring a catalogue file (Shopify, WooCommerce) into the running shop")
    importing.add_argument("file")
    importing.add_argument("--currency", help="the prices' currency where the file names none, such as EUR")
    link = add("open-link", "make a one-time sign-in link for the owner")
    link.add_argument(
        "--force", action="store_true", help="also when an owner signs in with a password already"
    )
    token = add("token", "make a short-lived access token for scripts")
    token.add_argument(
        "--role", default="owner", help="owner, admin, editor, viewer or customer (default owner)"
    )
    token.add_argument("--ttl", default="600", help="seconds until it ends, at most 600 (default)")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data", metavar="DIR", help="the data directory")
    shared.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    people.add_actions(
        commands.add_parser("users", help="look after accounts without signing in; see `users --help`"),
        shared,
    )
    lock = add("lock", "write every lock file anew", stack=False)
    lock.add_argument("--upgrade", action="store_true", help="take newer versions too")
    test = add("test", "run every check; arguments for pytest run pytest alone", stack=False, json=False)
    test.add_argument("arguments", nargs=argparse.REMAINDER)
    bench = add("bench", "measure; see `vitrine bench --help`", stack=False, json=False)
    bench.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def main(argv: list[str]) -> int:
    """Runs one command; returns its exit code."""
    if argv[:1] in (["test"], ["bench"]):
        # What follows belongs to pytest or the bench, options too.
        arguments = argparse.Namespace(command=argv[0], arguments=argv[1:], json=False)
    else:
        arguments = build_parser().parse_args(argv)
    out = Output(as_json=getattr(arguments, "json", False))
    from vitrine_ops import commands

    try:
        return int(commands.run(arguments, argv, dict(os.environ), out))
    except Failure as failure:
        return _report(failure, out)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.OK)
    except OSError as error:
        return _report(from_os_error(error), out)


def _report(failure: Failure, out: Output) -> int:
    text = f"vitrine: {failure.message}" + (f"\n  {failure.hint}" if failure.hint else "")
    out.problem(failure.document(), text)
    return int(failure.code)


def from_os_error(error: OSError) -> Failure:
    """An unforeseen refusal of the operating system, with the code that fits it."""
    import errno

    code = {
        errno.ENOSPC: Exit.DISK_FULL, errno.EDQUOT: Exit.DISK_FULL,
        errno.EACCES: Exit.NO_PERMISSION, errno.EPERM: Exit.NO_PERMISSION, errno.EROFS: Exit.NO_PERMISSION,
    }.get(error.errno or 0, Exit.IO_ERROR)  # fmt: skip
    what = "the disk is full" if code is Exit.DISK_FULL else (error.strerror or str(error))
    return Failure(code, f"{what}{f': {error.filename}' if error.filename else ''}.")
