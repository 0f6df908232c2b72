"""A mail server as a test meets it: it takes what it is sent, or refuses as it is told to (RFC 5321)."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass
class MailServer:
    """Speaks as much SMTP as a delivery needs."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """Answers to the next recipients, instead of taking them: "450 come back", "550 nobody here"."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, recipients = "", []

        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 test")
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            verb = line.split(" ")[0].upper()
            if verb == "QUIT":
                say("221 bye")
                break
            if verb == "MAIL":
                sender, recipients = line, []
                say("250 ok")
            elif verb == "RCPT":
                if self.refusals:
                    say(self.refusals.pop(0))
                else:
                    recipients.append(line.partition(":")[2].strip("<>"))
                    say("250 ok")
            elif verb == "DATA":
                say("354 go on")
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                self.envelopes.append((sender, recipients))
                message = email.message_from_bytes(raw, policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                self.taken.append(message)
                self.arrived.set()
                say("250 taken")
            else:
                say("250 ok")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server on a free port of the loopback."""
    made = MailServer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
