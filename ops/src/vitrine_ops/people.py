"""`./vitrine users …`: the operator's commands about accounts, run by the users service's own release."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from vitrine_ops.exits import Exit, Failure
from vitrine_ops.output import table

if TYPE_CHECKING:
    from vitrine_ops.processes import Command

REFUSED = 3
"""The status of a command of the service that understood, and will not."""
BROKEN = 4
"""The status of a check of the audit log that has found it changed."""


def add_actions(parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    """Declares the actions of `users`; each takes the options of `shared`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text, parents=[shared])

    add("create-owner", "make an owner of the shop and a link that signs them in once").add_argument("email")
    add("reset-mfa", "take every second factor off an account and end its sign-ins").add_argument("email")
    rotate = add("rotate-keys", "put a new signing key in the present one's place, without a failed request")
    rotate.add_argument(
        "--at-once",
        action="store_true",
        help="withdraw the present keys now: for a key that somebody else may have",
    )
    add("unlock", "forget the failed tries at an account").add_argument("email")
    application = add(
        "register-application", "register an application that people sign in to with their account"
    )
    application.add_argument("name")
    application.add_argument(
        "--redirect-uri", action="append", required=True, help="where browsers are sent back to"
    )
    application.add_argument("--logout-uri", action="append", help="where browsers may go after signing out")
    application.add_argument("--public", action="store_true", help="it can keep no secret")
    application.add_argument("--rs256", action="store_true", help="its library knows no Ed25519")
    check = add("verify-audit", "check every entry of the audit log")
    check.add_argument(
        "--expect", metavar="POSITION:DIGEST", help="what an earlier check has printed, to compare with"
    )
    listing = add("list", "list accounts, the oldest first")
    listing.add_argument("--role", help="only those who hold this role")
    listing.add_argument("--limit", default="100", help="how many at the most (default 100)")


def service_arguments(arguments: argparse.Namespace) -> list[str]:
    """The same command as the service takes it."""
    if arguments.action == "verify-audit":
        expected = [f"--expect={arguments.expect}"] if arguments.expect else []
        return ["audit", "verify", *expected, "--json"]
    found = ["operator", arguments.action]
    if arguments.action == "rotate-keys" and arguments.at_once:
        found.append("--at-once")
    if arguments.action == "list":
        found += [*(["--role", arguments.role] if arguments.role else []), "--limit", arguments.limit]
    if arguments.action == "register-application":
        found += [f"--redirect-uri={uri}" for uri in arguments.redirect_uri]
        found += [f"--logout-uri={uri}" for uri in arguments.logout_uri or []]
        found += [f"--{flag}" for flag in ("public", "rs256") if getattr(arguments, flag)]
    # Behind "--", for an address is no option, however it begins.
    subject = [getattr(arguments, name) for name in ("email", "name") if hasattr(arguments, name)]
    return [*found, "--json", *(["--", *subject] if subject else [])]


def run(command: Command) -> dict[str, Any]:
    """Runs the service's command; returns what it reports.

    Raises:
        Failure: it refused, or found the audit log changed (`FAILED`), did not understand (`USAGE`), or failed
            (`SOFTWARE`).
    """
    process = command.start()
    printed, said = process.communicate()
    if process.returncode == 0:
        found: dict[str, Any] = json.loads(printed)
        return found
    if process.returncode == BROKEN:
        found = json.loads(printed)
        raise Failure(Exit.FAILED, f"Entry {found['broken_at']} of the audit log: {found['reason']}")
    # Log lines are JSON objects; what the command itself has to say is not.
    words = [line for line in said.strip().splitlines() if not line.startswith("{")]
    lines = words or printed.strip().splitlines() or ["no reason was given"]
    code = {REFUSED: Exit.FAILED, 2: Exit.USAGE}.get(process.returncode, Exit.SOFTWARE)
    raise Failure(code, lines[-1])


def render(action: str, found: dict[str, Any]) -> str:
    """The report as text for a person."""
    if action == "create-owner":
        return str(found["link"])
    if action == "reset-mfa":
        return "Every second factor is off, and every sign-in has ended."
    if action == "rotate-keys":
        return f"Key {found['kid']} signs from {found['signs_from']} on."
    if action == "register-application":
        return "\n".join(f"{member}: {value}" for member, value in found.items() if value is not None)
    if action == "verify-audit":
        return f"{found['checked']} entries are as they were written. {found['position']}:{found['digest']}"
    if action == "unlock":
        return f"The failed tries at {found['email']} are forgotten."
    rows = [
        [
            person["email"],
            person["name"],
            ", ".join(person["roles"]),
            "suspended" if person["suspended_at"] else "active",
        ]
        for person in found["items"]
    ]
    return table(rows, ["address", "name", "roles", "state"])
