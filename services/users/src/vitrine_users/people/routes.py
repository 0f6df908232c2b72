"""The names of people for neighbouring services, over HTTP."""

from __future__ import annotations

from vitrine_kit.auth import INTERNAL
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.people import queries
from vitrine_users.people.schemas import PeopleIn, PeopleOut, PersonOut

internal = ApiBlueprint("internal_people", __name__, url_prefix="/internal")


@internal.operation(
    "POST", "/people", summary="Names of people", permission=INTERNAL, body=PeopleIn, returns={200: PeopleOut}
)
async def people(body: PeopleIn) -> PeopleOut:
    """The names of up to 500 people in one answer; those who do not exist, or no more, are left out."""
    rows = await queries.names_of(current_database(), body.ids)
    return PeopleOut(people=[PersonOut(id=row["id"], name=row["name"]) for row in rows])
