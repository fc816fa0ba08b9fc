#!/usr/bin/env python3
"""Makes the package importable in place: a folder of links to the sources and the compiled module.

Usage: link_package.py BUILD_DIR SITE_PACKAGES
BUILD_DIR/package/oxyde then holds a link to every entry of python/oxyde and to the extension; a
.pth file in SITE_PACKAGES names BUILD_DIR/package, the checkout and admin/, and the command `oxyde` lies
beside the interpreter.
"""

import pathlib
import sys


def link(target: pathlib.Path, place: pathlib.Path) -> None:
    """Points `place` at `target`, replacing what was there."""
    if place.is_symlink() or place.exists():
        if place.is_symlink() and place.resolve() == target.resolve():
            return
        place.unlink()
    place.symlink_to(target)


def main(build_dir: str, site: str) -> None:
    """Creates the links and the .pth file."""
    root = pathlib.Path(__file__).resolve().parent.parent
    build = pathlib.Path(build_dir).resolve()
    package = build / "package" / "oxyde"
    package.mkdir(parents=True, exist_ok=True)
    wanted = {
        entry.name: entry for entry in (root / "python" / "oxyde").iterdir() if entry.name != "__pycache__"
    }
    wanted |= {entry.name: entry for entry in (build / "python" / "_core").glob("_*.so")}
    for stale in package.iterdir():
        if stale.name not in wanted and stale.is_symlink():
            stale.unlink()
    for name, target in wanted.items():
        link(target, package / name)
    pathlib.Path(site, "oxyde-in-place.pth").write_text(f"{package.parent}\n{root}\n{root / 'admin'}\n")
    command = pathlib.Path(sys.executable).parent / "oxyde"
    command.write_text(f"#!{sys.executable}\nfrom oxyde.cli import app\n\napp()\n")
    command.chmod(0o755)


if __name__ == "__main__":
    main(*sys.argv[1:])
