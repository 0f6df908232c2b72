"""The fixtures every test folder shares come from the kit; and which tests keep together where several workers run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["vitrine_kit.testing"]

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("vitrine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vitrine")

TOGETHER = {
    "tests/e2e/test_stack_life.py": "second stack",
    "tests/e2e/": "stack",
    "tests/browser/": "second stack",
    "tests/scans/": "stack",
    "tests/chaos/": "stack",
    "tests/contracts/": "contracts",
    "tests/containers/": "containers",
}
"""Tests that share what takes long to start, the longest first: in this order they are to begin."""


def together(nodeid: str) -> tuple[int, str]:
    """When a test is to begin, and what must run with it in one worker: what shares a stack, else its file."""
    file = nodeid.partition("::")[0]
    for place, (start, group) in enumerate(TOGETHER.items()):
        if file.startswith(start):
            return place, group
    return len(TOGETHER), file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several workers the groups that take longest begin first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: together(item.nodeid)[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Gives each worker one group at a time, in the order of collection."""
    from xdist.scheduler import LoadScopeScheduling

    gone = [place for place in TOGETHER if not (config.rootpath / place).exists()]
    assert not gone, f"conftest.py keeps the tests of {gone} together, and there is no such place"
    config.option.loadscopereorder = False

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)[1]

    return Groups(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what the tests of generated requests sent, and how it was answered."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    for report in reports:
        for name, line in getattr(report, "user_properties", ()):
            if name == "generated" and report.when == "call":
                terminalreporter.write_line(str(line))
