"""Certificates for TLS tests, made by openssl: an authority, servers, a wrong host, a client."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    cert: Path
    key: Path


def _openssl(*arguments: str) -> None:
    done = subprocess.run(
        ["openssl", *arguments], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}\n{done.stderr}")


class Authority:
    """A certificate authority that exists for one test run."""

    def __init__(self, folder: Path, name: str = "oxyde tests") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.cert, self._key = folder / "ca.pem", folder / "ca.key"
        _openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}",
            "-keyout", str(self._key), "-out", str(self.cert),
        )  # fmt: skip

    def issue(self, name: str, *alternatives: str) -> Pair:
        """A certificate for that common name; alternatives such as `DNS:localhost`, `IP:127.0.0.1`."""
        stem = name.replace(".", "-")
        cert, key = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        request, extensions = self.folder / f"{stem}.csr", self.folder / f"{stem}.ext"
        _openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
            "-keyout", str(key), "-out", str(request),
        )  # fmt: skip
        extensions.write_text(f"subjectAltName={','.join(alternatives)}\n" if alternatives else "")
        _openssl(
            "x509", "-req", "-days", "30", "-in", str(request), "-CA", str(self.cert),
            "-CAkey", str(self._key), "-CAcreateserial", "-extfile", str(extensions), "-out", str(cert),
        )  # fmt: skip
        key.chmod(0o600)
        return Pair(cert, key)
