"""Random secrets, what is stored of them, and what is derived from them.

A store sees digests only: who reads its tables can present none of the secrets. What a session must
remember and hand back (the provider's token) is sealed with a key that only the cookie holds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

__all__ = ["csrf_token", "digest", "new_secret", "same", "seal", "unseal"]

TAG_BYTES = 32


def new_secret() -> str:
    """256 random bits as text for a cookie or a header."""
    return secrets.token_urlsafe(32)


def digest(purpose: str, secret: str) -> str:
    """What a store keeps of a secret. Secrets of one purpose mean nothing for another."""
    return hashlib.sha256(f"{purpose}\0{secret}".encode("utf-8", "surrogatepass")).hexdigest()


def csrf_token(secret: str) -> str:
    """The token that unsafe requests of the session with this cookie must carry."""
    return digest("csrf", secret)


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def seal(secret: str, text: str) -> str:
    """The text, readable and changeable only with the secret. A secret seals one text in its life:
    the key stream depends on nothing else."""
    plain = text.encode()
    stream, key = _keys(secret, len(plain))
    hidden = _xor(plain, stream)
    return base64.b64encode(hmac.digest(key, hidden, "sha256") + hidden).decode()


def unseal(secret: str, sealed: str) -> str | None:
    """The text that was sealed; None if it was not sealed with this secret or has been changed."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (ValueError, binascii.Error):
        return None
    tag, hidden = raw[:TAG_BYTES], raw[TAG_BYTES:]
    stream, key = _keys(secret, len(hidden))
    if not hmac.compare_digest(hmac.digest(key, hidden, "sha256"), tag):
        return None
    return _xor(hidden, stream).decode()


def _keys(secret: str, length: int) -> tuple[bytes, bytes]:
    stream = hashlib.shake_256(b"oxyde-admin stream\0" + secret.encode()).digest(length)
    return stream, hashlib.sha256(b"oxyde-admin tag\0" + secret.encode()).digest()


def _xor(data: bytes, stream: bytes) -> bytes:
    number = int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")
    return number.to_bytes(len(data), "big")
