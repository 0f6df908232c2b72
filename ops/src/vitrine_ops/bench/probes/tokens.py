"""What verifying an access token costs a service: processor time of a token seen first, and of one seen before."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from uuid import uuid4

from vitrine_kit.auth.tokens import TokenSigner, TokenVerifier, new_signing_key, public_jwks

BATCHES = 20
ISSUER = "http://localhost:8080"


async def measure(count: int) -> dict[str, float]:
    """Milliseconds of processor time for each verification of `count` tokens: the median of `BATCHES` batches."""
    key = new_signing_key()
    signer = TokenSigner(key, ISSUER)
    permissions = ("catalog:read_drafts", "catalog:write", "users:read")

    async def keys() -> dict[str, object]:
        return public_jwks([key])

    verifier = TokenVerifier(keys, ISSUER)
    size = count // BATCHES
    tokens = [
        signer.sign(user_id=uuid4(), roles=("editor",), permissions=permissions, session_id=str(uuid4()))
        for _ in range(size * BATCHES + 1)
    ]
    await verifier.verify(tokens.pop())
    found = {}
    for name in ("first_ms", "again_ms"):
        took_ms = []
        for start in range(0, len(tokens), size):
            begun_s = time.process_time()
            for token in tokens[start : start + size]:
                await verifier.verify(token)
            took_ms.append((time.process_time() - begun_s) * 1000 / size)
        found[name] = statistics.median(took_ms)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1])))))
