"""Passwords as scrypt hashes, computed in threads of their own.

A hash reads `scrypt$n$r$p$salt$digest`, the last two in Base64: the cost can be raised later and old
hashes still verify. The threads are the panel's, so that a storm of logins never takes the executor
that the host's own work waits for; OpenSSL gives the GIL up while it computes.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

__all__ = ["hash_password", "verify_nothing", "verify_password"]

N, R, P = 2**14, 8, 5
SALT_BYTES = DIGEST_BYTES = 32
LONGEST_PASSWORD = 4096
"""Bytes; beyond them the cost of reading a password would be the sender's choice."""
MOST_MEMORY = 2**28
THREADS = 2


async def hash_password(password: str) -> str:
    """The hash to store for a password. Takes some 200 ms, in a thread."""
    secret = _bytes(password)
    if secret is None:
        raise ValueError(f"a password has at most {LONGEST_PASSWORD} bytes of valid text")
    salt = secrets.token_bytes(SALT_BYTES)
    digest = await _in_thread(secret, salt, N, R, P)
    return "$".join(["scrypt", str(N), str(R), str(P), _text(salt), _text(digest)])


async def verify_password(password: str, stored: str | None) -> bool:
    """Whether the password is that of the hash. A hash that cannot be read verifies nothing and takes
    as long as a wrong password."""
    parsed = _parse(stored or "")
    secret = _bytes(password)
    n, r, p, salt, digest = parsed or (N, R, P, b"\0" * SALT_BYTES, b"")
    found = await _in_thread(secret or b"", salt, n, r, p)
    return parsed is not None and secret is not None and hmac.compare_digest(found, digest)


async def verify_nothing(password: str) -> None:
    """Does the work of `verify_password` for an account that does not exist."""
    await verify_password(password, None)


def _bytes(password: str) -> bytes | None:
    try:
        secret = password.encode()
    except UnicodeEncodeError:
        return None
    return secret if len(secret) <= LONGEST_PASSWORD else None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _parse(stored: str) -> tuple[int, int, int, bytes, bytes] | None:
    try:
        name, n, r, p, salt, digest = stored.split("$")
        numbers = int(n), int(r), int(p)
        parts = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except (ValueError, binascii.Error):
        return None
    costly = 128 * numbers[0] * numbers[1] > MOST_MEMORY // 2 or numbers[2] > 64
    power_of_two = numbers[0] > 1 and numbers[0] & (numbers[0] - 1) == 0
    if name != "scrypt" or costly or not power_of_two or min(numbers) < 1 or len(parts[1]) != DIGEST_BYTES:
        return None
    return (*numbers, *parts)


async def _in_thread(secret: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return await asyncio.get_running_loop().run_in_executor(_threads(), _scrypt, secret, salt, n, r, p)


def _scrypt(secret: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=MOST_MEMORY, dklen=DIGEST_BYTES)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "oxyde-admin-passwords")
