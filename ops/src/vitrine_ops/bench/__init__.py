"""Measures Vitrine: `bench http` against its peers, `bench users` what its answers tell and cost."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Runs the named bench; returns the exit code."""
    if list(argv[:1]) == ["http"]:
        from vitrine_ops.bench import http

        return http.main(argv[1:])
    if list(argv[:1]) == ["users"]:
        from vitrine_ops.bench import users

        return users.main(argv[1:])
    known = (
        "vitrine bench http [--help]    requests per second of the bridge and of its peers\n"
        "vitrine bench users [--help]   whether answers tell who has an account, and the speed of users"
    )
    asked_for_help = list(argv[:1]) in (["--help"], ["-h"])
    print(known, file=sys.stdout if asked_for_help else sys.stderr)
    return 0 if asked_for_help else 64
