"""Tables of browser sessions and of sign-in links."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base

AAL2_LIFE_S = 86400
"""How long a sign-in with two factors lasts at most, until it is proved again (NIST SP 800-63B, section 2.2.3)."""


class BrowserSession(Base):
    """One sign-in with a browser, or an operator's token; only the digest of its secret is kept."""

    __tablename__ = "browser_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    secret_digest: Mapped[bytes] = mapped_column(unique=True)
    method: Mapped[str]
    """How it was begun: password, passkey, provider, link or operator."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    authenticated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When the person last proved who they are."""
    assurance: Mapped[int] = mapped_column(server_default=text("1"))
    """1 after one proof, 2 after two of different kinds (NIST SP 800-63B: AAL1, AAL2)."""
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When it was last used, to the minute: what the idle limit counts from."""
    expires_at: Mapped[datetime]
    user_agent: Mapped[str]
    address: Mapped[str]
    impersonated_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True
    )
    """The owner who sees the shop as this person, where it is no sign-in of the person's own."""


class SignInLink(Base):
    """A link that signs one account in, once; using it deletes the row."""

    __tablename__ = "sign_in_links"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    secret_digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
