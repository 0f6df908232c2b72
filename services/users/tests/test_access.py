"""Every route: nobody, somebody who may not, and somebody who may; and no route without these three."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import application_preparations as applications
import connection_preparations as connections
import factor_preparations as prepared
import pytest
import rights_preparations as rights
import scim_world as scim
import webhook_preparations as webhooks
from factor_preparations import Preparation
from users_world import API, GOOD_PASSWORD, Person, World
from vitrine_kit.auth import INTERNAL, PUBLIC, SIGNED_IN
from vitrine_users.links import service as links
from vitrine_users.links.service import Purpose
from vitrine_users.sessions import service as sessions


@dataclass(frozen=True)
class Case:
    """A request of one endpoint that succeeds for somebody who may make it."""

    method: str
    path: str
    status: int
    body: dict[str, Any] | None = None
    roles: tuple[str, ...] = ()
    callers: tuple[str, ...] = field(default=("gateway",))
    """The neighbours that may call an internal route."""
    prepare: Preparation | None = None
    """What has to be there first; gives values for the path and the body."""
    raw: tuple[str, bytes] | None = None
    """A body that is no JSON: its type and what it is."""


CASES = {
    "registrations.register": Case(
        "POST", "/registrations", 202, {"email": "{new}", "password": GOOD_PASSWORD, "name": "N"}
    ),
    "addresses.resend_verification": Case("POST", "/email-verifications", 202, {"email": "{new}"}),
    "addresses.confirm_verification": Case(
        "POST", "/email-verifications/confirm", 200, {"token": "{verify-email}"}
    ),
    "addresses.change_address": Case(
        "POST", "/me/address", 202, {"email": "{new}", "password": GOOD_PASSWORD}
    ),
    "addresses.confirm_change": Case("POST", "/address-changes/confirm", 200, {"token": "{change-address}"}),
    "resets.request_reset": Case("POST", "/password-resets", 202, {"email": "{email}"}),
    "resets.confirm_reset": Case(
        "POST",
        "/password-resets/confirm",
        204,
        {"token": "{reset-password}", "new_password": "nine calm otters knit"},
    ),
    "departures.delete_me": Case("DELETE", "/me", 202, {"password": GOOD_PASSWORD}),
    "departures.cancel_deletion": Case("POST", "/deletions/cancel", 204, {"token": "{keep-account}"}),
    "pictures.set_picture": Case("PUT", "/me/picture", 204, raw=("image/png", rights.PICTURE)),
    "pictures.remove_picture": Case("DELETE", "/me/picture", 204, prepare=rights.picture_set),
    "pictures.get_picture": Case("GET", "/pictures/{picture}", 200, prepare=rights.picture_set),
    "exports.export": Case("GET", "/me/export", 200),
    "mail.list_mails": Case("GET", "/mails", 200, roles=("owner",)),
    "mail.get_mail": Case("GET", "/mails/{mail}", 200, roles=("owner",)),
    "accounts.get_me": Case("GET", "/me", 200),
    "accounts.patch_me": Case("PATCH", "/me", 200, {"name": "Other Name"}),
    "accounts.list_users": Case("GET", "/users", 200, roles=("admin",)),
    "accounts.get_user": Case("GET", "/users/{other}", 200, roles=("admin",)),
    "accounts.patch_user": Case("PATCH", "/users/{other}", 200, {"roles": ["viewer"]}, roles=("owner",)),
    "accounts.delete_user": Case("DELETE", "/users/{other}", 204, roles=("admin",)),
    "passwords.change_password": Case(
        "POST",
        "/me/password",
        204,
        {"current_password": GOOD_PASSWORD, "new_password": "nine calm otters knit"},
    ),
    "factors.get_factors": Case("GET", "/me/factors", 200),
    "factors.begin_totp": Case("POST", "/me/totp", 201),
    "factors.confirm_totp": Case(
        "POST", "/me/totp/confirm", 204, {"code": "{code}"}, prepare=prepared.app_begun
    ),
    "factors.remove_totp": Case("DELETE", "/me/totp", 204, prepare=prepared.app_added),
    "factors.issue_codes": Case("POST", "/me/recovery-codes", 201, prepare=prepared.app_added),
    "factors.confirmation_options": Case("POST", "/me/confirmations/passkey", 200),
    "factors.confirm": Case(
        "POST", "/me/confirmations", 201, {"method": "password", "password": GOOD_PASSWORD}
    ),
    "factors.second_step_options": Case(
        "POST",
        "/tokens/factors/passkey",
        200,
        {"challenge": "{challenge}"},
        prepare=prepared.waiting_by_api,
    ),
    "factors.second_step": Case(
        "POST",
        "/tokens/factors",
        201,
        {"challenge": "{challenge}", "method": "totp", "code": "{code}"},
        prepare=prepared.waiting_by_api,
    ),
    "passkeys.registration_options": Case("POST", "/me/passkeys/options", 200),
    "passkeys.add_passkey": Case(
        "POST",
        "/me/passkeys",
        201,
        {"name": "Phone", "credential": "{credential}"},
        prepare=prepared.passkey_made,
    ),
    "passkeys.rename_passkey": Case(
        "PATCH", "/me/passkeys/{passkey}", 200, {"name": "Phone"}, prepare=prepared.passkey_added
    ),
    "passkeys.remove_passkey": Case("DELETE", "/me/passkeys/{passkey}", 204, prepare=prepared.passkey_added),
    "passkeys.sign_in_options": Case("POST", "/tokens/passkeys/options", 200),
    "passkeys.sign_in": Case(
        "POST",
        "/tokens/passkeys",
        201,
        {"credential": "{credential}"},
        prepare=prepared.passkey_signed,
    ),
    "applications.list_applications": Case("GET", "/applications", 200, roles=("owner",)),
    "applications.register": Case(
        "POST",
        "/applications",
        201,
        {"name": "Wiki", "redirect_uris": ["https://app.example/back"]},
        roles=("owner",),
    ),
    "applications.change": Case(
        "PATCH",
        "/applications/{application}",
        200,
        {"name": "N"},
        roles=("owner",),
        prepare=applications.application_made,
    ),
    "applications.renew_secret": Case(
        "POST",
        "/applications/{application}/secret",
        201,
        roles=("owner",),
        prepare=applications.application_made,
    ),
    "applications.delete": Case(
        "DELETE",
        "/applications/{application}",
        204,
        roles=("owner",),
        prepare=applications.application_made,
    ),
    "applications.list_allowed": Case("GET", "/me/applications", 200),
    "applications.disallow": Case(
        "DELETE", "/me/applications/{application}", 204, prepare=applications.application_allowed
    ),
    "internal_applications.authorize": Case("POST", "/authorizations", 200, {"query": {}}),
    "internal_applications.log_out": Case("POST", "/logouts", 200, {"query": {}}),
    "connections.list_providers": Case("GET", "/providers", 200),
    "connections.list_own": Case("GET", "/me/connections", 200),
    "connections.disconnect": Case(
        "DELETE", "/me/connections/{connection}", 204, prepare=connections.connected
    ),
    "internal_connections.begin_visit": Case("POST", "/provider-visits", 404, {"provider": "nobody"}),
    "internal_connections.finish_visit": Case(
        "POST", "/provider-visits/return", 404, {"provider": "nobody", "state": "s", "binding": "b"}
    ),
    "devices.list_devices": Case("GET", "/me/devices", 200),
    "devices.forget_device": Case("DELETE", "/me/devices/{device}", 204, prepare=prepared.device_known),
    "internal_factors.second_step": Case(
        "POST",
        "/sessions/second-step",
        201,
        {"challenge": "{challenge}", "method": "totp", "code": "{code}"},
        prepare=prepared.waiting_in_browser,
    ),
    "internal_factors.second_step_options": Case(
        "POST",
        "/sessions/second-step/passkey",
        200,
        {"challenge": "{challenge}"},
        prepare=prepared.waiting_in_browser,
    ),
    "internal_factors.passkey_options": Case("POST", "/sessions/passkey/options", 200, {}),
    "internal_factors.begin_by_passkey": Case(
        "POST",
        "/sessions/passkey",
        201,
        {"credential": "{credential}"},
        prepare=prepared.passkey_signed_in_browser,
    ),
    "internal_factors.confirm": Case(
        "POST",
        "/sessions/confirm",
        201,
        {"session": "{session}", "method": "password", "password": GOOD_PASSWORD},
    ),
    "internal_factors.confirm_options": Case(
        "POST", "/sessions/confirm/passkey", 200, {"session": "{session}"}
    ),
    "internal_factors.renew": Case("POST", "/sessions/renew", 201, {"session": "{session}"}),
    "audit.list_entries": Case("GET", "/audit", 200, roles=("admin",)),
    "audit.export": Case("GET", "/audit/export", 200, roles=("admin",)),
    "audit.verification": Case("GET", "/audit/verification", 200, roles=("admin",)),
    "personal_tokens.make": Case(
        "POST", "/me/tokens", 201, {"name": "T", "scopes": [], "expires_in_days": 1}
    ),
    "personal_tokens.list_own": Case("GET", "/me/tokens", 200),
    "personal_tokens.withdraw": Case("DELETE", "/me/tokens/{token}", 204, prepare=rights.token_made),
    "sign_ins.list_own": Case("GET", "/me/sessions", 200),
    "sign_ins.end_own_others": Case("DELETE", "/me/sessions", 204),
    "sign_ins.end_own": Case("DELETE", "/me/sessions/{sign_in}", 204, prepare=rights.signed_in_twice),
    "sign_ins.list_of": Case("GET", "/users/{other}/sessions", 200, roles=("admin",)),
    "sign_ins.end_all_of": Case("DELETE", "/users/{other}/sessions", 204, roles=("admin",)),
    "sign_ins.end_one_of": Case(
        "DELETE",
        "/users/{other}/sessions/{sign_in}",
        204,
        roles=("admin",),
        prepare=rights.other_signed_in,
    ),
    "suspensions.suspend": Case("PUT", "/users/{other}/suspension", 204, {}, roles=("admin",)),
    "suspensions.unsuspend": Case("DELETE", "/users/{other}/suspension", 204, roles=("admin",)),
    "invitations.invite": Case("POST", "/invitations", 201, {"email": "{new}"}, roles=("admin",)),
    "invitations.list_invitations": Case("GET", "/invitations", 200, roles=("admin",)),
    "invitations.withdraw": Case(
        "DELETE", "/invitations/{invitation}", 204, roles=("admin",), prepare=rights.invited
    ),
    "invitations.look_up": Case(
        "POST", "/invitations/lookups", 200, {"token": "{invited}"}, prepare=rights.invited
    ),
    "invitations.accept": Case(
        "POST",
        "/invitations/acceptances",
        201,
        {"token": "{invited}", "name": "N", "password": GOOD_PASSWORD},
        prepare=rights.invited,
    ),
    "webhooks.list_event_types": Case("GET", "/webhooks/event-types", 200, roles=("admin",)),
    "webhooks.list_webhooks": Case("GET", "/webhooks", 200, roles=("admin",)),
    "webhooks.create_webhook": Case(
        "POST",
        "/webhooks",
        201,
        {"url": "https://hooks.example.org/", "event_types": ["user.created"]},
        roles=("admin",),
        prepare=webhooks.room_for_one,
    ),
    "webhooks.get_webhook": Case(
        "GET", "/webhooks/{webhook}", 200, roles=("admin",), prepare=webhooks.webhook_made
    ),
    "webhooks.change_webhook": Case(
        "PATCH",
        "/webhooks/{webhook}",
        200,
        {"description": "D"},
        roles=("admin",),
        prepare=webhooks.webhook_made,
    ),
    "webhooks.delete_webhook": Case(
        "DELETE", "/webhooks/{webhook}", 204, roles=("admin",), prepare=webhooks.webhook_made
    ),
    "webhooks.rotate_secret": Case(
        "POST", "/webhooks/{webhook}/secret", 201, {}, roles=("admin",), prepare=webhooks.webhook_made
    ),
    "webhooks.send_test": Case(
        "POST", "/webhooks/{webhook}/tests", 202, roles=("admin",), prepare=webhooks.webhook_made
    ),
    "webhooks.list_deliveries": Case(
        "GET", "/webhooks/{webhook}/deliveries", 200, roles=("admin",), prepare=webhooks.webhook_made
    ),
    "webhooks.get_delivery": Case(
        "GET",
        "/webhooks/{webhook}/deliveries/{delivery}",
        200,
        roles=("admin",),
        prepare=webhooks.delivery_made,
    ),
    "webhooks.send_again": Case(
        "POST",
        "/webhooks/{webhook}/deliveries/{delivery}/redelivery",
        202,
        roles=("admin",),
        prepare=webhooks.delivery_made,
    ),
    "scim.get_config": Case("GET", "/scim/v2/ServiceProviderConfig", 200, roles=("admin",)),
    "scim.list_resource_types": Case("GET", "/scim/v2/ResourceTypes", 200, roles=("admin",)),
    "scim.get_resource_type": Case("GET", "/scim/v2/ResourceTypes/User", 200, roles=("admin",)),
    "scim.list_schemas": Case("GET", "/scim/v2/Schemas", 200, roles=("admin",)),
    "scim.get_schema": Case("GET", f"/scim/v2/Schemas/{scim.USER}", 200, roles=("admin",)),
    "scim.search": Case("POST", "/scim/v2/.search", 200, {"schemas": [scim.SEARCH]}, roles=("admin",)),
    "scim.list_users": Case("GET", "/scim/v2/Users", 200, roles=("admin",)),
    "scim.search_users": Case(
        "POST", "/scim/v2/Users/.search", 200, {"schemas": [scim.SEARCH]}, roles=("admin",)
    ),
    "scim.create_user": Case(
        "POST", "/scim/v2/Users", 201, {"schemas": [scim.USER], "userName": "{new}"}, roles=("admin",)
    ),
    "scim.get_user": Case("GET", "/scim/v2/Users/{other}", 200, roles=("admin",)),
    "scim.replace_user": Case(
        "PUT",
        "/scim/v2/Users/{other}",
        200,
        {"schemas": [scim.USER], "userName": "{new}"},
        roles=("admin",),
    ),
    "scim.patch_user": Case("PATCH", "/scim/v2/Users/{other}", 200, scim.RENAMED, roles=("admin",)),
    "scim.delete_user": Case("DELETE", "/scim/v2/Users/{other}", 204, roles=("admin",)),
    "scim.list_groups": Case("GET", "/scim/v2/Groups", 200, roles=("admin",)),
    "scim.search_groups": Case(
        "POST", "/scim/v2/Groups/.search", 200, {"schemas": [scim.SEARCH]}, roles=("admin",)
    ),
    "scim.create_group": Case(
        "POST",
        "/scim/v2/Groups",
        201,
        {"schemas": [scim.GROUP], "displayName": "{role}"},
        roles=("owner",),
        prepare=rights.new_role_name,
    ),
    "scim.get_group": Case("GET", "/scim/v2/Groups/{group}", 200, roles=("owner",), prepare=scim.group_made),
    "scim.replace_group": Case(
        "PUT",
        "/scim/v2/Groups/{group}",
        200,
        {"schemas": [scim.GROUP], "displayName": "{role}"},
        roles=("owner",),
        prepare=scim.group_made,
    ),
    "scim.patch_group": Case(
        "PATCH", "/scim/v2/Groups/{group}", 200, scim.UNTOUCHED, roles=("owner",), prepare=scim.group_made
    ),
    "scim.delete_group": Case(
        "DELETE", "/scim/v2/Groups/{group}", 204, roles=("owner",), prepare=scim.group_made
    ),
    "internal_impersonations.begin": Case(
        "POST",
        "/impersonations",
        201,
        {"session": "{session}", "user_id": "{user}"},
        prepare=rights.somebody_else,
    ),
    "roles.list_permissions": Case("GET", "/permissions", 200),
    "roles.create_role": Case(
        "POST",
        "/roles",
        201,
        {"name": "{role}", "description": "", "permissions": []},
        roles=("owner",),
        prepare=rights.new_role_name,
    ),
    "roles.change_role": Case(
        "PATCH", "/roles/{role}", 200, {"description": "D"}, roles=("owner",), prepare=rights.role_made
    ),
    "roles.delete_role": Case("DELETE", "/roles/{role}", 204, roles=("owner",), prepare=rights.role_made),
    "roles.list_roles": Case("GET", "/roles", 200, roles=("admin",)),
    "tokens.sign_in": Case("POST", "/tokens", 201, {"email": "{email}", "password": GOOD_PASSWORD}),
    "tokens.refresh": Case("POST", "/tokens/refresh", 201, {"refresh_token": "{refresh}"}),
    "tokens.revoke": Case("POST", "/tokens/revoke", 204, {"refresh_token": "{refresh}"}),
    "tokens.jwks": Case("GET", "/jwks.json", 200),
    "internal_tokens.internal_jwks": Case("GET", "/jwks", 200, callers=("gateway", "catalog")),
    "internal_people.people": Case("POST", "/people", 200, {"ids": []}, callers=("gateway", "catalog")),
    "internal_sessions.begin_session": Case(
        "POST", "/sessions", 201, {"email": "{email}", "password": GOOD_PASSWORD}
    ),
    "internal_sessions.exchange": Case("POST", "/sessions/exchange", 200, {"session": "{session}"}),
    "internal_sessions.end_session": Case("POST", "/sessions/end", 204, {"session": "{session}"}),
    "internal_sessions.redeem_link": Case("POST", "/sign-in-links/redeem", 201, {"token": "{link}"}),
}

OPEN = {
    "edge.identity",
    "health.livez",
    "health.readyz",
    "openapi",
    "static",
    "vitrine_metrics",
    "oauth2.discovery",
    "oauth2.introspect",
    "oauth2.jwks",
    "oauth2.revoke",
    "oauth2.token",
    "oauth2.userinfo",
}
"""What is no operation of the service's API."""


def prefix_of(case: Case) -> str:
    return "/api/users" if case.path.startswith("/scim/") else API


def operation_of(world: World, endpoint: str) -> Any:
    return getattr(world.app.view_functions[endpoint], "__vitrine_operation__", None)


async def ask(world: World, case: Case, person: Person, *, internal: bool, headers: dict[str, str]) -> int:
    other = await world.person()
    values: dict[str, Any] = {
        "{new}": world.some_email(),
        "{email}": person.email,
        "{refresh}": person.tokens["refresh_token"],
    }
    for purpose in Purpose:
        if f"{{{purpose}}}" in (case.body or {}).values():
            address = world.some_email() if purpose == Purpose.CHANGE_ADDRESS else person.email
            async with world.app.extensions["vitrine"].database.transaction() as session:
                made = await links.make(session, purpose, person_id=person.id, ttl_s=60, address=address)
            values[f"{{{purpose}}}"] = made.url.rpartition("/")[2]
    if "{session}" in (case.body or {}).values():
        values["{session}"] = (await world.begin_session(person.email))["session"]
    if "{link}" in (case.body or {}).values():
        async with world.app.extensions["vitrine"].database.transaction() as session:
            values["{link}"] = (await sessions.make_link(session, person.id, ttl_s=60)).secret
    if case.prepare is not None:
        values |= await case.prepare(world, person)
    body = None
    if case.body is not None:
        body = {
            name: values.get(value, value) if isinstance(value, str) else value
            for name, value in case.body.items()
        }
    prefix = "/internal" if internal else prefix_of(case)
    path = case.path
    for name, value in ({"{other}": other.id} | values).items():
        path = path.replace(name, str(value))
    if "{mail}" in path:
        path = path.replace("{mail}", str((await world.mails_to(other.email))[0]["id"]))
    sent: dict[str, Any] = {"json": body}
    if case.raw is not None:
        sent, headers = {"content": case.raw[1]}, headers | {"Content-Type": case.raw[0]}
    answer = await world.client.request(case.method, prefix + path, headers=headers, **sent)
    return answer.status_code


def test_no_route_is_without_a_case(world: World) -> None:
    endpoints = {rule.endpoint for rule in world.app.url_map.iter_rules()}

    assert {endpoint for endpoint in endpoints if operation_of(world, endpoint) is not None} == set(CASES)
    assert endpoints - set(CASES) == OPEN


def test_each_case_is_a_request_of_its_endpoint(world: World) -> None:
    adapter = world.app.url_map.bind("localhost")
    for endpoint, case in CASES.items():
        prefix = "/internal" if operation_of(world, endpoint).permission == INTERNAL else prefix_of(case)
        path = re.sub(r"\{\w+\}", "0192a000-0000-7000-8000-000000000001", case.path)
        assert adapter.match(prefix + path, method=case.method)[0] == endpoint


@pytest.mark.parametrize("endpoint", CASES)
async def test_nobody_in_particular(world: World, endpoint: str) -> None:
    permission = operation_of(world, endpoint).permission
    case, person = CASES[endpoint], await world.person(*CASES[endpoint].roles)

    status = await ask(
        world, case, person, internal=permission == INTERNAL, headers={"X-Real-IP": world.some_address()}
    )

    assert status == (case.status if permission == PUBLIC else 401)


@pytest.mark.parametrize("endpoint", CASES)
async def test_somebody_who_may_not(world: World, endpoint: str) -> None:
    permission = operation_of(world, endpoint).permission
    case, person = CASES[endpoint], await world.person(*CASES[endpoint].roles)
    if permission == INTERNAL:
        bearer = {"Authorization": f"Bearer {person.tokens['access_token']}"}
        elsewhere = world.keys.service_header("gateway", "catalog")
        assert await ask(world, case, person, internal=True, headers=bearer) == 401
        assert await ask(world, case, person, internal=True, headers=elsewhere) == 401
        if "catalog" not in case.callers:
            assert await ask(world, case, person, internal=True, headers=world.neighbour("catalog")) == 403
    elif permission in {PUBLIC, SIGNED_IN}:
        ended = await world.person()
        await world.sql.execute("DELETE FROM users.refresh_families WHERE account_id = $1", ended.id)
        assert await ask(world, case, person, internal=False, headers=ended.headers) == 401
    else:
        customer, editor = await world.person(), await world.person("editor", "viewer")
        assert await ask(world, case, person, internal=False, headers=customer.headers) == 403
        assert await ask(world, case, person, internal=False, headers=editor.headers) == 403


@pytest.mark.parametrize("endpoint", CASES)
async def test_somebody_who_may(world: World, endpoint: str) -> None:
    permission = operation_of(world, endpoint).permission
    case, person = CASES[endpoint], await world.person(*CASES[endpoint].roles)
    if permission == INTERNAL:
        for caller in case.callers:
            assert (
                await ask(world, case, person, internal=True, headers=world.neighbour(caller)) == case.status
            )
    else:
        assert await ask(world, case, person, internal=False, headers=person.headers) == case.status


async def test_the_internal_routes_are_in_no_public_document(world: World) -> None:
    document = (await world.client.get("/api/users/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert all(path.startswith(("/api/users/v1/", "/api/users/scim/v2/")) for path in document["paths"])
    public = [
        case for endpoint, case in CASES.items() if operation_of(world, endpoint).permission != INTERNAL
    ]
    assert sum(len(methods) for methods in document["paths"].values()) == len(public)
