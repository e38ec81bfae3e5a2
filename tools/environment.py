"""Builds the virtual environment in .venv from a lock file: `python tools/environment.py run|dev`.

Runs on a bare Python. Wheels are kept in .cache/wheels, so that a rebuild, and the test that
installs the built wheel by itself, need no network.
"""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / ".cache" / "wheels"
ENVIRONMENT = ROOT / ".venv"


def main(name: str) -> None:
    """Installs what requirements/<name>.lock pins, then marks that it is there."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs before anything checked it
        sys.exit(f"Doorward needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    if not (ENVIRONMENT / "bin" / "pip").exists():
        print("building the environment in .venv (once; some minutes on a slow line)", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True, symlinks=True)
    for lock in (name, "build") if name == "run" else (name,):
        _provide(f"requirements/{lock}.lock")
    if name == "run":
        _pip("install", "--no-deps", "--no-index", "--no-build-isolation", "--editable", ".")
    (ENVIRONMENT / f".{name}").touch()


def _provide(lock: str) -> None:
    if not _install(lock):
        _pip("download", *_PINNED, "--requirement", lock, "--dest", str(WHEELS))
        if not _install(lock):
            sys.exit(f"could not install what {lock} names")


_PINNED = ("--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:")


def _install(lock: str) -> bool:
    """From the kept wheels alone; False when one is missing."""
    command = [*_command("install"), *_PINNED, "--no-index", "--find-links", str(WHEELS)]
    done = subprocess.run(
        [*command, "--requirement", lock], cwd=ROOT, check=False, stderr=subprocess.DEVNULL
    )
    return done.returncode == 0


def _pip(verb: str, *arguments: str) -> None:
    done = subprocess.run([*_command(verb), *arguments], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"pip {verb} failed; the first run needs the network")


def _command(verb: str) -> list[str]:
    return [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", verb, "--quiet"]


if __name__ == "__main__":
    main(sys.argv[1])
