"""The services this project consists of, as ops sees them: names, places and what each needs; none of their code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Service:
    """One independently deployed distribution."""

    name: str
    folder: str
    package: str
    has_database: bool
    has_worker: bool
    neighbours: tuple[str, ...]
    """Services that it calls over /internal."""

    def source(self, checkout: Path) -> Path:
        return checkout / self.folder

    def lock(self, checkout: Path) -> Path:
        return self.source(checkout) / "requirements.lock"


USERS = Service("users", "services/users", "vitrine_users", True, True, ("catalog",))
CATALOG = Service("catalog", "services/catalog", "vitrine_catalog", True, True, ("users",))
GATEWAY = Service("gateway", "gateway", "vitrine_gateway", False, False, ("users", "catalog"))
SERVICES = (USERS, CATALOG, GATEWAY)
BY_NAME = {service.name: service for service in SERVICES}
WITH_DATABASE = tuple(service for service in SERVICES if service.has_database)
