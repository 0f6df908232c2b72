"""What SCIM clients may see and set of people and groups, and what the service says of itself."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    URI,
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Mutability,
    Pagination,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    Schema,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

DEFAULT_COUNT = 100
MAX_COUNT = 200

USER = "User"
GROUP = "Group"

_READ_ONLY = Mutability.read_only


class Name(ComplexAttribute):
    """The parts of a person's name."""

    formatted: str | None = None
    family_name: str | None = None
    given_name: str | None = None


class Email(ComplexAttribute):
    """The one address of an account: its userName."""

    value: Annotated[str | None, _READ_ONLY] = None
    type: Annotated[str | None, _READ_ONLY] = None
    primary: Annotated[bool | None, _READ_ONLY] = None


class GroupMembership(ComplexAttribute):
    """A group somebody is a member of."""

    value: Annotated[str | None, _READ_ONLY, CaseExact.true] = None
    ref: Annotated[Reference[Group] | None, _READ_ONLY] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, _READ_ONLY] = None


class User(Resource[Any]):
    """An account. The name, the language and the time zone are the directory's until the person changes them."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    """The e-mail address."""
    name: Name | None = None
    display_name: str | None = None
    preferred_language: str | None = None
    timezone: str | None = None
    active: Annotated[bool | None, Required.true] = None
    """False where the account is suspended."""
    emails: Annotated[list[Email] | None, _READ_ONLY] = None
    groups: Annotated[list[GroupMembership] | None, _READ_ONLY] = None


class Member(ComplexAttribute):
    """A member of a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A role: those every shop has, but customer, and the shop's own."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    members: list[Member] | None = None


# They name each other, so the first could not be finished before the last was there.
for _model in (GroupMembership, User, Member, Group):
    _model.model_rebuild(force=True)


POLICY = ScimPolicy(
    # Directories send attributes that mean nothing here (titles, telephones, whole extensions); RFC 7644, section 3.3,
    # lets them be left aside. The others are what Microsoft Entra sends.
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)

CONFIG = ServiceProviderConfig(
    documentation_uri=None,
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MAX_COUNT),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="A personal access token that may use users:scim.",
            primary=True,
        )
    ],
    pagination=Pagination(cursor=False, index=True, default_page_size=DEFAULT_COUNT, max_page_size=MAX_COUNT),
)

RESOURCE_TYPES = (
    ResourceType(
        id=USER,
        name=USER,
        description="Accounts",
        endpoint=Reference[URI]("/Users"),
        schema_=Reference[URI](User.__schema__),
    ),
    ResourceType(
        id=GROUP,
        name=GROUP,
        description="Roles",
        endpoint=Reference[URI]("/Groups"),
        schema_=Reference[URI](Group.__schema__),
    ),
)

PROVIDER = ScimProvider(models=[User, Group], resource_types=RESOURCE_TYPES, config=CONFIG, policy=POLICY)

SCHEMAS: tuple[Schema, ...] = (
    *PROVIDER.schemas,
    *(model.to_schema() for model in (ServiceProviderConfig, ResourceType, Schema)),
)
"""Every schema that is published, those of the discovery itself included."""
