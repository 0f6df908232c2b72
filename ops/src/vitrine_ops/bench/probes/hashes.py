"""How many password hashes a second two bare threads of argon2 verify, with the parameters users has."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import argon2


def measure(seconds: float, *, memory_kib: int, passes: int, threads: int = 2) -> dict[str, float]:
    """Hashes per second over all threads."""
    hasher = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, hash_len=32)
    stored = hasher.hash(b"x" * 32)
    ends_at = time.perf_counter() + seconds

    def verify_until_the_end() -> int:
        count = 0
        while time.perf_counter() < ends_at:
            hasher.verify(stored, b"x" * 32)
            count += 1
        return count

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        counts = [pool.submit(verify_until_the_end) for _ in range(threads)]
    took = time.perf_counter() - begun
    return {"per_s": sum(count.result() for count in counts) / took}


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]), memory_kib=int(sys.argv[2]), passes=int(sys.argv[3]))))
