"""The token endpoint's rules: a code is good once, a refresh token too, and a second use ends what came of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from vitrine_kit.auth.jwt import InvalidToken
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger

from vitrine_users.applications import queries
from vitrine_users.applications.errors import ProtocolError
from vitrine_users.applications.service import note
from vitrine_users.applications.tokens import ApplicationTokens
from vitrine_users.secrets import digest_of
from vitrine_users.settings import UsersSettings
from vitrine_users.tokens.refresh import SECRET_BYTES, RefreshTokens, read_token

log = get_logger(__name__)

OFFLINE = "offline_access"
_VERIFIER = re.compile(r"^[A-Za-z0-9._~-]{43,128}$")


@dataclass(frozen=True, slots=True)
class Grants:
    """Redeems codes and refresh tokens for one application at a time."""

    db: Database
    settings: UsersSettings
    tokens: ApplicationTokens
    refresh: RefreshTokens

    async def redeem(
        self, application: RowMapping, form: Mapping[str, str], *, address: str
    ) -> dict[str, Any]:
        """The tokens a code stands for (RFC 6749, section 4.1.3).

        Raises:
            ProtocolError: it is unknown, used, too old, another application's, or comes without its verifier. A code
                that is used again ends the grant that came of it (section 4.1.2).
        """
        code, verifier = form.get("code", ""), form.get("code_verifier", "")
        if not code or not _VERIFIER.match(verifier):
            raise ProtocolError("invalid_request", "code and code_verifier are needed.")
        grant_id, secret = new_id(), secrets.token_bytes(SECRET_BYTES)
        grant = None
        async with self.db.transaction() as session:
            row = await queries.use_code(session, digest_of(code), application["id"], grant_id)
            if row is not None and _proves(row, verifier, form.get("redirect_uri")):
                offline = OFFLINE in row["scopes"]
                await queries.add_grant(
                    session,
                    id=grant_id,
                    application_id=application["id"],
                    account_id=row["account_id"],
                    scopes=row["scopes"],
                    secret=secret,
                    authenticated_at=row["authenticated_at"],
                    assurance=row["assurance"],
                    ttl_s=self.settings.refresh_token_ttl_s if offline else self.tokens.access_ttl_s,
                )
                grant = await queries.find_grant_in(session, grant_id)
            elif row is None:
                await self._note_second_use(session, code, application, address)
        # A code that came with the wrong verifier is used up all the same: whoever has it gets one try.
        if row is None or grant is None:
            raise ProtocolError("invalid_grant", "The code is not valid (any more).")
        refresh_token = self.refresh.token(grant_id, secret, 0) if OFFLINE in row["scopes"] else None
        return await self._answer(application, grant, refresh_token, nonce=row["nonce"])

    async def renew(
        self, application: RowMapping, form: Mapping[str, str], *, address: str
    ) -> dict[str, Any]:
        """The next tokens for a refresh token, which is good once; for a lost answer, ten seconds longer.

        Raises:
            ProtocolError: it is none of this application's, or was used before, which ends the grant.
        """
        token = read_token(form.get("refresh_token", ""))
        grant = None if token is None else await queries.find_grant(self.db, token.family_id)
        if (
            token is None
            or grant is None
            or grant["application_id"] != application["id"]
            or not self.refresh.proves(token, grant["secret"])
        ):
            raise ProtocolError("invalid_grant", "The refresh token is not valid (any more).")
        asked = frozenset(form.get("scope", "").split()) or frozenset(grant["scopes"])
        if not asked <= frozenset(grant["scopes"]):
            raise ProtocolError("invalid_scope", "A refresh token brings no more than was granted.")
        async with self.db.transaction() as session:
            good = await queries.rotate(
                session, token.family_id, application["id"], token.generation
            ) or await queries.was_used_lately(
                session, token.family_id, token.generation, grace_s=self.settings.refresh_grace_s
            )
            if not good:
                await queries.delete_grant(session, token.family_id, application["id"])
                details = {"application_id": application["id"], "generation": token.generation}
                await note(session, "application.refresh_reused", grant["id"], details, address, refused=True)
        if not good:
            log.warning("application_refresh_reused", application_id=application["id"])
            raise ProtocolError("invalid_grant", "The refresh token was used before.")
        successor = self.refresh.token(token.family_id, grant["secret"], token.generation + 1)
        return await self._answer(application, grant, successor, scopes=asked)

    async def find(self, application: RowMapping, token: str) -> RowMapping | None:
        """The living grant of this application that a token of either kind belongs to, with `kind` told apart."""
        read = read_token(token)
        if read is not None:
            grant = await queries.find_grant(self.db, read.family_id)
            if grant is None or not self.refresh.proves(read, grant["secret"]):
                return None
        else:
            try:
                grant_id, _claims = await self.tokens.read_access_token(token)
            except InvalidToken:
                return None
            grant = await queries.find_grant(self.db, grant_id)
        return grant if grant is not None and grant["application_id"] == application["id"] else None

    async def end(self, application: RowMapping, token: str, *, address: str) -> None:
        """Ends the grant a token belongs to; one that is none of this application's is ignored (RFC 7009)."""
        grant = await self.find(application, token)
        if grant is None:
            return
        async with self.db.transaction() as session:
            await queries.delete_grant(session, grant["grant_id"], application["id"])
            details = {"application_id": application["id"]}
            await note(session, "application.revoked", grant["id"], details, address)

    async def _note_second_use(self, session: Any, code: str, application: RowMapping, address: str) -> None:
        used = await queries.find_used_code(session, digest_of(code), application["id"])
        if used is None:
            return
        await queries.delete_grant(session, used["grant_id"], application["id"])
        details = {"application_id": application["id"]}
        await note(session, "application.code_reused", used["account_id"], details, address, refused=True)
        log.warning("authorization_code_reused", application_id=application["id"])

    async def _answer(
        self,
        application: RowMapping,
        grant: RowMapping,
        refresh_token: str | None,
        *,
        nonce: str | None = None,
        scopes: frozenset[str] | None = None,
    ) -> dict[str, Any]:
        granted = frozenset(grant["scopes"]) if scopes is None else scopes
        grant_id: UUID = grant["grant_id"]
        answer = {
            "access_token": await self.tokens.access_token(
                grant_id=grant_id, account_id=grant["id"], application_id=application["id"], scopes=granted
            ),
            "token_type": "Bearer",
            "expires_in": self.tokens.access_ttl_s,
            "scope": " ".join(sorted(granted)),
            "id_token": await self.tokens.id_token(
                grant,
                application=application,
                scopes=granted,
                authenticated_at=grant["authenticated_at"],
                assurance=grant["assurance"],
                nonce=nonce,
            ),
        }
        return answer if refresh_token is None else {**answer, "refresh_token": refresh_token}


def _proves(row: Mapping[Any, Any], verifier: str, redirect_uri: str | None) -> bool:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return redirect_uri == row["redirect_uri"] and hmac.compare_digest(
        challenge, row["code_challenge"].encode()
    )
