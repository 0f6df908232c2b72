"""The count of generated requests: what was sent, by whom, and how it was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What was asked, by whom, and how it was answered."""

    statuses: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """Requests by kind, asker and status."""
    seen: Counter[bytes] = field(default_factory=Counter)
    """How often the same asker sent the same request, by a digest of it."""
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    """The first failure of each operation and sort."""
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def total(self, *, kind: str | None = None) -> int:
        return sum(count for (each, _, _), count in self.statuses.items() if kind in {None, each})

    def shares(self, asker: str) -> dict[str, float]:
        """Which part of an asker's requests got each status."""
        found: Counter[str] = Counter()
        for (_, who, status), count in self.statuses.items():
            if who == asker:
                found["2xx" if status < 300 else str(status)] += count
        return {status: count / found.total() for status, count in sorted(found.items())}

    def lines(self) -> Iterator[str]:
        """The tally as people read it."""
        kinds = Counter[str]()
        for (kind, _, _), count in self.statuses.items():
            kinds[kind] += count
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        yield f"{self.total()} generated cases ({told}), {len(self.seen)} of them distinct"
        for who in dict.fromkeys(who for _, who, _ in self.statuses):
            count = sum(each for (_, name, _), each in self.statuses.items() if name == who)
            told = ", ".join(f"{status} {share:.1%}" for status, share in self.shares(who).items())
            yield f"  {who}: {count} ({told})"
        for (label, sort), count in self.counts.items():
            yield f"  FAILED {count} times: {label}: {sort}"
