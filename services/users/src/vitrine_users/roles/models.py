"""Tables of roles, permissions, and who holds which role."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base

OWNER = "owner"
ADMIN = "admin"
CUSTOMER = "customer"


class Role(Base):
    """A named set of permissions; lower positions stand first in lists."""

    __tablename__ = "roles"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str]
    position: Mapped[int]
    built_in: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether every shop has it: such a role can be neither changed nor deleted."""


class Permission(Base):
    """Something a person may do; services ask for it by name."""

    __tablename__ = "permissions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str]


class RolePermission(Base):
    """That a role gives a permission."""

    __tablename__ = "role_permissions"

    role_id: Mapped[UUID] = mapped_column(ForeignKey(Role.id, ondelete="CASCADE"), primary_key=True)
    permission_id: Mapped[UUID] = mapped_column(
        ForeignKey(Permission.id, ondelete="CASCADE"), primary_key=True
    )


class AccountRole(Base):
    """That an account holds a role."""

    __tablename__ = "account_roles"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), primary_key=True
    )
    role_id: Mapped[UUID] = mapped_column(
        ForeignKey(Role.id, ondelete="RESTRICT"), primary_key=True, index=True
    )
