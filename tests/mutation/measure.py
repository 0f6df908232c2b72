"""Measures how many small faults in the security modules the tests notice: a run of its own, never part of the suite.

    python tests/mutation/measure.py kit --into /tmp/mutation

The interpreter's environment holds what `./vitrine test` needs, and mutmut 3.8. The sources and tests of a group are
copied and mutated in the folder given; the checkout stays as it is. What a run found is kept there: the same command
goes on where it was interrupted, and `python -m mutmut show NAME` in that folder shows a survivor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KILLED, SURVIVED, UNTESTED, TIMED_OUT = (1, 3), (0,), (5, 33), (24, 36, 152, 255, -24)
"""mutmut's exit codes by what they mean."""


@dataclass(frozen=True)
class Group:
    """Modules that one set of tests is to guard."""

    packages: tuple[str, ...]
    """Folders whose packages the tests import; those of `modules` are among them."""
    tests: str
    modules: tuple[str, ...]
    run: tuple[str, ...]
    """The tests that exercise the modules: the fewer, the sooner a fault is judged."""


KIT = ("shared/src",)
USERS = ("shared/src", "services/users/src")
USERS_TESTS = "services/users/tests"
GROUPS = {
    "kit": Group(
        KIT,
        "shared/tests",
        (
            "vitrine_kit/auth/jwt.py",
            "vitrine_kit/auth/tokens.py",
            "vitrine_kit/auth/services.py",
            "vitrine_kit/limits/rates.py",
        ),
        (
            "test_auth_jwt.py",
            "test_auth_verdicts.py",
            "test_auth_tokens.py",
            "test_auth_services.py",
            "test_auth_principals.py",
            "durable/test_limits_rates.py",
        ),
    ),
    "forms": Group(
        USERS,
        USERS_TESTS,
        (
            "vitrine_users/secrets.py",
            "vitrine_users/tokens/refresh.py",
            "vitrine_users/personal_tokens/text.py",
            "vitrine_users/factors/codes.py",
        ),
        (
            "test_secrets.py",
            "tokens/test_refresh_tokens.py",
            "tokens/test_refresh.py",
            "personal_tokens/test_text.py",
            "factors/test_codes.py",
            "factors/test_recovery_codes.py",
        ),
    ),
    "limits": Group(
        USERS,
        USERS_TESTS,
        (
            "vitrine_users/accounts/attempts.py",
            "vitrine_users/accounts/waits.py",
            "vitrine_users/accounts/guessing.py",
            "vitrine_users/tokens/minting.py",
        ),
        (
            "accounts/test_attempts.py",
            "accounts/test_waits.py",
            "accounts/test_allowances.py",
            "accounts/test_guessing.py",
            "tokens/test_minting.py",
        ),
    ),
    "proofs": Group(
        USERS,
        USERS_TESTS,
        (
            "vitrine_users/factors/totp.py",
            "vitrine_users/factors/requirement.py",
        ),
        (
            "factors/test_totp_form.py",
            "factors/test_rights_by_proof.py",
        ),
    ),
    "factors": Group(
        USERS,
        USERS_TESTS,
        (
            "vitrine_users/factors/keys.py",
            "vitrine_users/factors/service.py",
        ),
        ("factors/test_told.py",),
    ),
    "second-proofs": Group(
        USERS,
        USERS_TESTS,
        (
            "vitrine_users/factors/stepup.py",
            "vitrine_users/factors/signin.py",
        ),
        (
            "factors/test_rights_by_proof.py",
            "factors/test_second_proofs.py",
            "factors/test_stepup.py",
            "factors/test_told.py",
        ),
    ),
    "guard": Group(
        USERS,
        USERS_TESTS,
        ("vitrine_users/sessions/guard.py",),
        ("sessions/test_guard.py",),
    ),
    "keyring": Group(
        USERS,
        USERS_TESTS,
        ("vitrine_users/tokens/keyring.py",),
        ("tokens/test_keyring.py",),
    ),
    "sign-ins": Group(
        USERS,
        USERS_TESTS,
        (
            "vitrine_users/tokens/service.py",
            "vitrine_users/sessions/service.py",
        ),
        (
            "sessions/test_audited.py",
            "tokens/test_at_once.py",
        ),
    ),
    "personal-tokens": Group(
        USERS,
        USERS_TESTS,
        ("vitrine_users/personal_tokens/service.py",),
        ("personal_tokens/test_audited.py",),
    ),
}


def lay_out(group: Group, folder: Path) -> None:
    """Copies what the group needs, and writes the configuration of pytest and mutmut beside it."""
    for package in group.packages:
        shutil.copytree(ROOT / package, folder / "src", dirs_exist_ok=True)
    shutil.copytree(ROOT / group.tests, folder / "tests", dirs_exist_ok=True)
    shutil.copytree(ROOT / "shared/tests/support", folder / "support", dirs_exist_ok=True)
    # Each fault is tried in a fork: what it inherits is not to be looked through for garbage again, and so copied.
    unswept = "\n\ndef pytest_sessionfinish() -> None:\n    import gc\n\n    gc.freeze()\n"
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text() + unswept)
    pytest = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    pytest |= {"pythonpath": ["tests/support", "support"], "testpaths": ["tests"]}
    mutmut = {
        "source_paths": ["src"],
        "only_mutate": [f"src/{module}" for module in group.modules],
        "also_copy": ["src", "support", "conftest.py"],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in group.run],
        # What a log line says has tests of its own where it matters.
        "do_not_mutate_patterns": [r"\blog\.(debug|info|warning|error)\("],
        "use_git_change_detection": False,
        "timeout_constant": 10.0,
        "timeout_multiplier": 3.0,
    }
    lines = []
    for name, table in (("pytest.ini_options", pytest), ("mutmut", mutmut)):
        lines += [f"[tool.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""]
    (folder / "pyproject.toml").write_text("\n".join(lines))
    # Python forgets a folder of its path that is not there when it starts.
    (folder / "mutants/src").mkdir(parents=True, exist_ok=True)


@asynccontextmanager
async def prepared(group: Group, folder: Path, server_url: str) -> AsyncIterator[None]:
    """Migrates a database once for all the faults, for the tests to copy: it would take most of each one's time."""
    if group.tests != USERS_TESTS:
        yield
        return
    from users_world import migrated_database
    from vitrine_kit.testing import Keys

    async with migrated_database(server_url, Keys.generate()) as database:
        with (folder / "tests/conftest.py").open("a") as conftest:
            conftest.write(
                f"\n\n@pytest.fixture(scope='session')\ndef empty_database():\n    return {database!r}\n"
            )
        yield


async def mutate(group: Group, folder: Path, children: int) -> None:
    """Tries every fault that was not tried before, all on one PostgreSQL."""
    sys.path[:0] = [str(folder / part) for part in ("src", "tests/support", "support")]
    from vitrine_kit.testing import postgres_server

    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    with postgres_server() as url:
        environment = {
            **os.environ,
            "PYTHONPATH": str(folder / "mutants/src"),
            "VITRINE_CHECKOUT": str(ROOT),
            "VITRINE_TEST_DATABASE_URL": url,
        }
        async with prepared(group, folder, url):
            run = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment)
            if await run.wait():
                raise SystemExit(f"mutmut ended with status {run.returncode}")


def report(group: Group, folder: Path) -> float:
    """Prints what became of the faults of each module, and which survived; returns the killed among those tried."""
    total: Counter[str] = Counter()
    survivors: list[str] = []
    print(f"{'module':44} {'mutants':>8} {'killed':>7} {'survived':>9} {'timeout':>8} {'score':>7}")
    for module in group.modules:
        found = json.loads((folder / f"mutants/src/{module}.meta").read_text())["exit_code_by_key"]
        counts = Counter(
            {
                "mutants": len(found),
                "killed": sum(code in KILLED for code in found.values()),
                "survived": sum(code in SURVIVED + UNTESTED for code in found.values()),
                "timeout": sum(code in TIMED_OUT for code in found.values()),
            }
        )
        survivors += [name for name, code in found.items() if code in SURVIVED + UNTESTED]
        total += counts
        print(_line(module, counts))
    print(_line("all", total))
    print("\n".join(survivors))
    return _score(total)


def _line(name: str, counts: Counter[str]) -> str:
    columns = zip(("mutants", "killed", "survived", "timeout"), (8, 7, 9, 8), strict=True)
    numbers = " ".join(f"{counts[column]:{width}}" for column, width in columns)
    return f"{name:44} {numbers} {_score(counts):6.1f}%"


def _score(counts: Counter[str]) -> float:
    return 100 * counts["killed"] / counts["mutants"] if counts["mutants"] else 100.0


def main() -> int:
    """Measures the groups named; 1 where one of them is below 90 %."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("group", nargs="+", choices=GROUPS)
    parser.add_argument("--into", type=Path, required=True, help="a folder outside of the checkout")
    parser.add_argument("--children", type=int, default=2, help="how many faults are tried at once")
    options = parser.parse_args()
    scores = []
    for name in options.group:
        folder = options.into.resolve() / name
        lay_out(GROUPS[name], folder)
        asyncio.run(mutate(GROUPS[name], folder, options.children))
        scores.append(report(GROUPS[name], folder))
    return 0 if min(scores) >= 90 else 1


if __name__ == "__main__":
    sys.exit(main())
