"""`./vitrine users …`: what the service is asked, what is made of its answers, and the exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from vitrine_ops import people
from vitrine_ops.cli import build_parser
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.processes import Command


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("create-owner a@b.example", ["create-owner", "--json", "--", "a@b.example"]),
        ("reset-mfa a@b.example --json", ["reset-mfa", "--json", "--", "a@b.example"]),
        ("rotate-keys", ["rotate-keys", "--json"]),
        ("rotate-keys --at-once", ["rotate-keys", "--at-once", "--json"]),
        ("unlock a@b.example", ["unlock", "--json", "--", "a@b.example"]),
        (
            "register-application Wiki --redirect-uri https://a.example/ --redirect-uri https://b.example/ --rs256",
            [
                "register-application",
                "--redirect-uri=https://a.example/",
                "--redirect-uri=https://b.example/",
                "--rs256",
                "--json",
                "--",
                "Wiki",
            ],
        ),
        (
            "register-application Wiki --redirect-uri a:/ --logout-uri b:/ --public",
            [
                "register-application",
                "--redirect-uri=a:/",
                "--logout-uri=b:/",
                "--public",
                "--json",
                "--",
                "Wiki",
            ],
        ),
        ("list", ["list", "--limit", "100", "--json"]),
        ("list --role owner --limit 5", ["list", "--role", "owner", "--limit", "5", "--json"]),
    ],
)
def test_the_service_is_asked_the_same(line: str, asked: list[str]) -> None:
    arguments = build_parser().parse_args(["users", *line.split()])

    assert people.service_arguments(arguments) == ["operator", *asked]


def test_the_audit_log_is_checked_by_its_own_command() -> None:
    parse = build_parser().parse_args

    assert people.service_arguments(parse(["users", "verify-audit"])) == ["audit", "verify", "--json"]
    against = people.service_arguments(parse(["users", "verify-audit", "--expect", "12:9f"]))
    assert against == ["audit", "verify", "--expect=12:9f", "--json"]


def test_a_log_that_was_changed_is_told_with_the_entry(tmp_path: Path) -> None:
    found = '{"intact": false, "broken_at": 7, "reason": "The entry is missing."}'
    with pytest.raises(Failure, match=r"Entry 7 of the audit log: The entry is missing\.") as raised:
        people.run(command(tmp_path, f"import sys; print({found!r}); sys.exit(4)"))
    assert raised.value.code is Exit.FAILED


@pytest.mark.parametrize("line", ["", "fly", "unlock", "rotate-keys now", "list --colour"])
def test_a_wrong_command_line_is_64(line: str) -> None:
    with pytest.raises(SystemExit) as raised:
        build_parser().parse_args(["users", *line.split()])
    assert raised.value.code == 64


def command(tmp_path: Path, script: str) -> Command:
    return Command([sys.executable, "-c", script], {}, tmp_path)


def test_what_the_service_reports_is_returned(tmp_path: Path) -> None:
    assert people.run(command(tmp_path, 'print(\'{"link": "l"}\')')) == {"link": "l"}


@pytest.mark.parametrize(("status", "code"), [(3, Exit.FAILED), (2, Exit.USAGE), (1, Exit.SOFTWARE)])
def test_a_refusal_is_told_with_its_code(tmp_path: Path, status: int, code: Exit) -> None:
    log = '{"event": "stopped"}'
    script = f"import sys; print('There is nobody.', {log!r}, sep='\\n', file=sys.stderr); sys.exit({status})"
    with pytest.raises(Failure, match="There is nobody") as raised:
        people.run(command(tmp_path, script))
    assert raised.value.code is code


@pytest.mark.parametrize(
    ("action", "found", "text"),
    [
        ("create-owner", {"link": "http://shop/l"}, "http://shop/l"),
        ("reset-mfa", {"account_id": "i"}, "ended"),
        ("rotate-keys", {"kid": "k", "signs_from": "noon"}, "noon"),
        ("unlock", {"email": "a@b.example"}, "a@b.example"),
        ("verify-audit", {"checked": 12, "position": 12, "digest": "9f"}, "12:9f"),
        ("register-application", {"client_id": "i", "client_secret": "s"}, "client_secret: s"),
        (
            "list",
            {"items": [{"email": "a@b.example", "name": "Ann", "roles": ["owner"], "suspended_at": None}]},
            "active",
        ),
    ],
)
def test_a_report_can_be_read(action: str, found: dict[str, object], text: str) -> None:
    assert text in people.render(action, found)
