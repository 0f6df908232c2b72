"""What a batch of an import has done, in numbers and problems; plain values."""

from __future__ import annotations

from dataclasses import dataclass, field

from vitrine_catalog.imports.reading.records import RowProblem


@dataclass(slots=True)
class Counts:
    """How many things of one kind were created, updated, found unchanged, or failed."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0


@dataclass(slots=True)
class Outcome:
    """The counts of products, variants and images, and the problems met on the way."""

    products: Counts = field(default_factory=Counts)
    variants: Counts = field(default_factory=Counts)
    images: Counts = field(default_factory=Counts)
    problems: list[RowProblem] = field(default_factory=list)

    def columns(self) -> dict[str, int]:
        """The counts under the names of the job's columns."""
        return {
            f"{kind}_{what}": getattr(counts, what)
            for kind, counts in (
                ("products", self.products),
                ("variants", self.variants),
                ("images", self.images),
            )
            for what in ("created", "updated", "unchanged", "failed")
        }
