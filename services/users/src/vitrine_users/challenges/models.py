"""The tables of challenges that were used, and of the times in which they are asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class SpentChallenge(Base):
    """A challenge that was solved, or waited for, and used; kept until it would have ended by itself."""

    __tablename__ = "spent_challenges"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ChallengeEpisode(Base):
    """A time in which challenges are asked for; gone once it has ended and the audit log was told."""

    __tablename__ = "challenge_episodes"

    scope: Mapped[str] = mapped_column(primary_key=True)
    """The network it is about, or `everywhere`."""
    begun_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    """One window after the last failure so far: then at the latest nobody is asked."""
    told: Mapped[bool]
    """Whether the audit log knows that it has begun."""
