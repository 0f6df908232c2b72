"""Rule 45: every route for every role, and for an object of somebody else; a route without a row fails.

`test_access` asks whether each route works for whom it is for; here it is asked who else gets in.
"""

from __future__ import annotations

import uuid
from typing import Any

import application_preparations as applications
import connection_preparations as connections
import factor_preparations as factors
import pytest
import pytest_asyncio
import rights_preparations as rights
from factor_preparations import Preparation
from users_world import Person, World
from vitrine_kit.auth import INTERNAL, PUBLIC, SIGNED_IN

ROLES = ("customer", "viewer", "editor", "admin", "owner")
STAFF = frozenset({"admin", "owner"})
OWNERS = frozenset({"owner"})
EVERYBODY = frozenset(ROLES)

BY_ROLE: dict[str, frozenset[str]] = {
    "applications.list_applications": OWNERS,
    "applications.register": OWNERS,
    "applications.change": OWNERS,
    "applications.renew_secret": OWNERS,
    "applications.delete": OWNERS,
    "audit.list_entries": STAFF,
    "audit.export": STAFF,
    "audit.verification": STAFF,
    "accounts.list_users": STAFF,
    "accounts.get_user": STAFF,
    "accounts.patch_user": STAFF,
    "accounts.delete_user": STAFF,
    "sign_ins.list_of": STAFF,
    "sign_ins.end_all_of": STAFF,
    "sign_ins.end_one_of": STAFF,
    "suspensions.suspend": STAFF,
    "suspensions.unsuspend": STAFF,
    "invitations.invite": STAFF,
    "invitations.list_invitations": STAFF,
    "invitations.withdraw": STAFF,
    "roles.list_roles": STAFF,
    "roles.create_role": OWNERS,
    "roles.change_role": OWNERS,
    "roles.delete_role": OWNERS,
    "scim.get_config": STAFF,
    "scim.list_resource_types": STAFF,
    "scim.get_resource_type": STAFF,
    "scim.list_schemas": STAFF,
    "scim.get_schema": STAFF,
    "scim.search": STAFF,
    "scim.list_users": STAFF,
    "scim.search_users": STAFF,
    "scim.create_user": STAFF,
    "scim.get_user": STAFF,
    "scim.replace_user": STAFF,
    "scim.patch_user": STAFF,
    "scim.delete_user": STAFF,
    "scim.list_groups": STAFF,
    "scim.search_groups": STAFF,
    "scim.get_group": STAFF,
    "scim.create_group": OWNERS,
    "scim.replace_group": OWNERS,
    "scim.patch_group": OWNERS,
    "scim.delete_group": OWNERS,
    "webhooks.list_event_types": STAFF,
    "webhooks.list_webhooks": STAFF,
    "webhooks.create_webhook": STAFF,
    "webhooks.get_webhook": STAFF,
    "webhooks.change_webhook": STAFF,
    "webhooks.delete_webhook": STAFF,
    "webhooks.rotate_secret": STAFF,
    "webhooks.send_test": STAFF,
    "webhooks.list_deliveries": STAFF,
    "webhooks.get_delivery": STAFF,
    "webhooks.send_again": STAFF,
    "mail.list_mails": OWNERS,
    "mail.get_mail": OWNERS,
}
"""Who may use a route that asks for a permission; whoever is not named gets 403."""

OWN = frozenset(
    {
        "accounts.get_me",
        "accounts.patch_me",
        "addresses.change_address",
        "applications.disallow",
        "applications.list_allowed",
        "connections.disconnect",
        "connections.list_own",
        "departures.delete_me",
        "devices.forget_device",
        "devices.list_devices",
        "exports.export",
        "factors.begin_totp",
        "factors.confirm",
        "factors.confirm_totp",
        "factors.confirmation_options",
        "factors.get_factors",
        "factors.issue_codes",
        "factors.remove_totp",
        "passkeys.add_passkey",
        "passkeys.registration_options",
        "passkeys.remove_passkey",
        "passkeys.rename_passkey",
        "passwords.change_password",
        "pictures.remove_picture",
        "pictures.set_picture",
        "personal_tokens.list_own",
        "personal_tokens.make",
        "personal_tokens.withdraw",
        "roles.list_permissions",
        "sign_ins.end_own",
        "sign_ins.end_own_others",
        "sign_ins.list_own",
    }
)
"""Routes about oneself: everybody who is signed in, and nobody else."""

OPEN = frozenset(
    {
        "addresses.confirm_verification",
        "addresses.confirm_change",
        "addresses.resend_verification",
        "connections.list_providers",
        "departures.cancel_deletion",
        "factors.second_step",
        "factors.second_step_options",
        "invitations.accept",
        "invitations.look_up",
        "passkeys.sign_in",
        "passkeys.sign_in_options",
        "pictures.get_picture",
        "registrations.register",
        "resets.confirm_reset",
        "resets.request_reset",
        "tokens.jwks",
        "tokens.refresh",
        "tokens.revoke",
        "tokens.sign_in",
    }
)
"""Routes for anybody: each is proved by what its body holds."""

FOREIGN_OWN: dict[str, tuple[str, Preparation]] = {
    "personal_tokens.withdraw": ("token_id", rights.token_made),
    "sign_ins.end_own": ("session_id", rights.signed_in_twice),
    "applications.disallow": ("application_id", applications.application_allowed),
    "connections.disconnect": ("connection_id", connections.connected),
    "passkeys.remove_passkey": ("passkey_id", factors.passkey_added),
    "passkeys.rename_passkey": ("passkey_id", factors.passkey_added),
    "devices.forget_device": ("device_id", factors.device_known),
}
"""Routes about one's own things: the argument, and what makes such a thing of somebody else. They answer 404."""

ABOVE = frozenset(
    {
        "accounts.patch_user",
        "accounts.delete_user",
        "sign_ins.end_all_of",
        "sign_ins.end_one_of",
        "scim.delete_user",
        "scim.patch_user",
        "scim.replace_user",
        "suspensions.suspend",
        "suspensions.unsuspend",
    }
)
"""Routes that do something to somebody: an admin gets 403 where that is an owner."""

SHARED = frozenset(
    {
        "applications.change",
        "applications.renew_secret",
        "applications.delete",
        "accounts.get_user",
        "sign_ins.list_of",
        "mail.get_mail",
        "pictures.get_picture",
        "invitations.withdraw",
        "roles.change_role",
        "roles.delete_role",
        "scim.get_resource_type",
        "scim.get_schema",
        "scim.get_user",
        "scim.get_group",
        "scim.replace_group",
        "scim.patch_group",
        "scim.delete_group",
        "webhooks.get_webhook",
        "webhooks.change_webhook",
        "webhooks.delete_webhook",
        "webhooks.rotate_secret",
        "webhooks.send_test",
        "webhooks.list_deliveries",
        "webhooks.get_delivery",
        "webhooks.send_again",
    }
)
"""Routes about a thing of the shop, or of those who were told its id: it belongs to all who have the permission."""


def operation_of(world: World, endpoint: str) -> Any:
    return getattr(world.app.view_functions[endpoint], "__vitrine_operation__", None)


def routes(world: World) -> dict[str, tuple[str, Any, Any]]:
    """Each public operation by its endpoint: method, rule and what it declares."""
    found = {}
    for rule in world.app.url_map.iter_rules():
        operation = operation_of(world, rule.endpoint)
        if operation is not None and operation.permission != INTERNAL:
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            found[rule.endpoint] = (method, rule, operation)
    return found


def path_of(world: World, rule: Any, **values: Any) -> str:
    given = {
        name: values.get(name, "nobodys-role" if name == "name" else uuid.uuid4()) for name in rule.arguments
    }
    path: str = world.app.url_map.bind("localhost").build(rule.endpoint, given)
    return path


@pytest_asyncio.fixture(scope="module")
async def cast(world: World) -> dict[str, Person]:
    """One person of each role."""
    return {role: await world.person(role) for role in ROLES}


def test_every_route_has_its_row(world: World) -> None:
    declared = routes(world)

    assert set(declared) == set(BY_ROLE) | OWN | OPEN
    for endpoint, (_, _, operation) in declared.items():
        kind = {PUBLIC: OPEN, SIGNED_IN: OWN}.get(operation.permission, BY_ROLE)
        assert endpoint in kind, f"{endpoint} asks for {operation.permission}"
    with_arguments = {endpoint for endpoint, (_, rule, _) in declared.items() if rule.arguments}
    assert with_arguments == set(FOREIGN_OWN) | ABOVE | SHARED


async def test_rule_45_nobody_in_particular_gets_in_nowhere(world: World) -> None:
    for endpoint, (method, rule, _) in routes(world).items():
        status = (await world.client.request(method, path_of(world, rule), json={})).status_code
        assert (status == 401) == (endpoint not in OPEN), (endpoint, status)


@pytest.mark.parametrize("role", ROLES)
async def test_rule_45_each_role_gets_in_where_it_may_and_nowhere_else(
    world: World, cast: dict[str, Person], role: str
) -> None:
    person = cast[role]
    for endpoint, (method, rule, operation) in routes(world).items():
        if endpoint in OPEN:
            continue
        unknown = {"no_such_member": 1} if operation.body is not None else None
        answer = await world.client.request(
            method, path_of(world, rule), json=unknown, headers=person.headers
        )
        allowed = endpoint in OWN or role in BY_ROLE[endpoint]
        assert (answer.status_code == 403) == (not allowed), (endpoint, role, answer.text)
        assert answer.status_code != 401, (endpoint, role)
        assert answer.status_code < 500, (endpoint, role)


async def test_rule_45_unknown_members_are_refused_everywhere(world: World, cast: dict[str, Person]) -> None:
    for endpoint, (method, rule, operation) in routes(world).items():
        if operation.body is None:
            continue
        answer = await world.client.request(
            method, path_of(world, rule), json={"no_such_member": 1}, headers=cast["owner"].headers
        )
        assert answer.status_code == 422, (endpoint, answer.text)
        assert "no_such_member" in {error["field"] for error in answer.json()["errors"]}, endpoint


@pytest.mark.parametrize("endpoint", FOREIGN_OWN)
async def test_rule_45_somebody_elses_things_are_not_there(world: World, endpoint: str) -> None:
    """For an owner too: whose thing it is counts, not what the asker may do."""
    argument, prepare = FOREIGN_OWN[endpoint]
    whose, asker = await world.person(), await world.person("owner")
    (thing,) = (value for name, value in (await prepare(world, whose)).items() if name != "{code}")
    method, rule, operation = routes(world)[endpoint]
    body = {"name": "Mine now"} if operation.body is not None else None
    path = path_of(world, rule, **{argument: thing})

    assert (await world.client.request(method, path, json=body, headers=asker.headers)).status_code == 404
    mine = await world.client.request(method, path, json=body, headers=whose.headers)
    assert mine.status_code in {200, 204}, mine.text


@pytest.mark.parametrize("endpoint", sorted(ABOVE))
async def test_rule_45_an_admin_does_nothing_to_an_owner(
    world: World, cast: dict[str, Person], endpoint: str
) -> None:
    victim = await world.person("owner")
    items = (await world.get(victim, "/me/sessions")).json()["items"]
    method, rule, operation = routes(world)[endpoint]
    body = None if operation.body is None else {"name": "Small"} if endpoint == "accounts.patch_user" else {}
    path = path_of(world, rule, user_id=victim.id, session_id=items[0]["id"])

    answer = await world.client.request(method, path, json=body, headers=cast["admin"].headers)

    assert answer.status_code == 403, answer.text
    assert (await world.get(victim, "/me")).json()["name"] == victim.name
