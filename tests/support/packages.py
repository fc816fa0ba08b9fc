"""Installs what the test servers need: Debian's packages, and Debian trees for other versions."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oxyde"
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CannotInstall(Exception):
    """Something is missing and may not be installed from here; says what to call."""


def program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{PATHS}")


def install(packages: list[str]) -> None:
    """apt-get install, as root or through sudo without a password."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    prefix: list[str] = []
    if os.getuid() != 0:
        may = ["sudo", "-n", "true"]
        if program("sudo") is None or subprocess.run(may, check=False, capture_output=True).returncode:
            raise CannotInstall(f"Please run:  sudo apt-get update && sudo {' '.join(command)}")
        prefix = ["sudo", "-n"]
    if program("apt-get") is None:
        raise CannotInstall(f"Missing: {' '.join(packages)} (Debian's names); install them by hand.")
    print(f"Installing {' '.join(packages)} ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _quiet([*prefix, "apt-get", "update", "-qq"], environment)
    _quiet([*prefix, *command], environment)


def _quiet(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, check=False, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise CannotInstall(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}")


def mirror() -> str:
    """The Debian mirror that apt uses here."""
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in sources:
        if path.is_file():
            for line in path.read_text(errors="replace").splitlines():
                found = re.match(
                    r"\s*(?:URIs:|deb\s+(?:\[[^]]*\]\s+)?)\s*(https?://\S+/debian)/?(?:\s|$)", line
                )
                if found:
                    return found.group(1)
    return "http://deb.debian.org/debian"


def tree(suite: str, package: str, mark: str) -> str:
    """A Debian tree of that suite with the package; `mark` is a file it must hold. Made once."""
    root = CACHE / f"debian-{suite}-{package}"
    if (root / mark).exists():
        return str(root)
    if os.getuid() != 0:
        raise CannotInstall(f"A Debian tree needs root. Please run:  sudo -E {sys.argv[0]} install {package}")
    if program("debootstrap") is None:
        install(["debootstrap"])
    CACHE.mkdir(parents=True, exist_ok=True)
    partial = root.with_name(root.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    print(f"Making a Debian {suite} tree with {package} (once, some minutes) ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", **_proxy()}
    command = ["debootstrap", "--variant=minbase", f"--include={package}", suite, str(partial), mirror()]
    if not Path(f"/usr/share/debootstrap/scripts/{suite}").exists():
        command.append("/usr/share/debootstrap/scripts/sid")  # a suite newer than this machine
    _quiet(command, environment)
    if not (partial / mark).exists():
        raise CannotInstall(f"debootstrap made no {partial / mark}")
    shutil.rmtree(partial / "var/cache/apt/archives", ignore_errors=True)
    partial.rename(root)
    return str(root)


def _proxy() -> dict[str, str]:
    """What apt is told about a proxy, for debootstrap's wget."""
    if program("apt-config") is None:
        return {}
    found = subprocess.run(
        ["apt-config", "shell", "P", "Acquire::http::Proxy"], check=False, capture_output=True, text=True
    ).stdout
    match = re.search(r"P='([^']+)'", found)
    return {"http_proxy": match.group(1)} if match and "http_proxy" not in os.environ else {}
