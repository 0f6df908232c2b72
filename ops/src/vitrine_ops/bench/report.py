"""The tables of a run, as Markdown: medians over the rounds, with the spread, and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Line:
    """What was measured of one server in one setting, round by round."""

    label: str
    runs: list[dict[str, Any]] = field(default_factory=list)
    memory_mib: float | None = None

    @property
    def rps(self) -> float:
        return float(statistics.median(run["rps"] for run in self.runs))

    @property
    def spread(self) -> tuple[float, float]:
        return min(run["rps"] for run in self.runs), max(run["rps"] for run in self.runs)

    @property
    def cpu_us(self) -> float:
        """Processor time of the server for one request, in microseconds."""
        return float(
            statistics.median(run["server_cpu_s"] / max(run["requests"], 1) * 1e6 for run in self.runs)
        )

    @property
    def failures(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for run in self.runs:
            for reason, count in run["failures"].items():
                total[reason] = total.get(reason, 0) + count
        return total

    def middle(self, name: str) -> float | None:
        found = [run[name] for run in self.runs if run[name] is not None]
        return statistics.median(found) if found else None

    def document(self) -> dict[str, Any]:
        """The same for `--json`."""
        return {
            "label": self.label,
            "rps": self.rps,
            "rps_spread": self.spread,
            "p50_ms": self.middle("p50_ms"),
            "p99_ms": self.middle("p99_ms"),
            "server_cpu_us": self.cpu_us,
            "failures": self.failures,
            "memory_mib": self.memory_mib,
            "load_cpu": max(run["load_cpu"] for run in self.runs),
        }


def table(title: str, lines: Mapping[str, Line], *, against: Sequence[str]) -> str:
    """A Markdown table of the lines; `against` names those whose ratio to each is shown."""
    known = [key for key in against if key in lines]
    heads = ["server", "req/s", "spread", "p50 ms", "p99 ms", "failed", "CPU µs/req", "MiB"]
    heads += [f"× {lines[key].label.split(',')[0]}" for key in known]
    rows = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    for line in lines.values():
        low, high = line.spread
        failed = sum(line.failures.values())
        reasons = f" ({', '.join(sorted(line.failures))})" if failed else ""
        cells = [line.label, f"{line.rps:,.0f}", f"{low:,.0f}–{high:,.0f}"]
        cells += [_ms(line.middle("p50_ms")), _ms(line.middle("p99_ms")), f"{failed}{reasons}"]
        cells += [f"{line.cpu_us:,.0f}", "" if line.memory_mib is None else f"{line.memory_mib:,.0f}"]
        cells += [f"{line.rps / lines[key].rps:.2f}" if lines[key].rps else "" for key in known]
        rows.append(cells)
    load = max(run["load_cpu"] for line in lines.values() for run in line.runs)
    text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"### {title}\n\n{text}\n\nThe load took at most {load:.0%} of one processor.\n"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


@dataclass(frozen=True)
class Target:
    """What a ratio should reach."""

    name: str
    wanted: float
    found: float

    @property
    def met(self) -> bool:
        return self.found >= self.wanted

    def text(self) -> str:
        return (
            f"- {self.name}: {self.found:.2f} (target {self.wanted:.2f}): {'met' if self.met else 'MISSED'}"
        )
