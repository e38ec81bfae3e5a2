"""`doorward export`: writes people to a file, as `doorward import` reads one."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from doorward.cli.output import say
from doorward.cli.storage import Data, DatabaseUrl, open_store
from doorward.cli.systems import SystemName, choose_system
from doorward.errors import StartError
from doorward.site.people_export import export_people

app = App(
    name="export",
    help_epilogue="""\
The file has card numbers and codes in the clear; only its owner can read it.
Whoever is suspended or has a schedule of her own is left out, and so are cards
and codes that are not active, or not for ever: the file could not say so, and
would give more than there was. So is whom an import would refuse, such as the
second of two people with one e-mail address. All that is left out is counted.

Example:  doorward export people staff.csv""",
)


@app.command
async def people(
    file: Annotated[Path, Parameter(help="The CSV file to make, which must not be there.")],
    /,
    *,
    system: SystemName = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Writes everybody in an access system to a new file, a person a line.

    More people than an import takes at once go into several: staff.csv, staff-2.csv and so on.
    """
    async with open_store(data, database_url) as (database, keyring):
        chosen = await choose_system(database, system)
        exported = await export_people(database, keyring, chosen)
    files = _names(file, len(exported.files))
    for name, content in zip(files, exported.files, strict=True):
        _write(name, content)
    say(f"{exported.people} people exported from {chosen.name}{_into(files)}")
    if exported.left_out:
        say("left out, because a file cannot hold it or an import would refuse it:")
    for what, count in exported.left_out.items():
        say(f"  {count} {what}")


def _names(file: Path, count: int) -> list[Path]:
    """A name for each file. Raises StartError where one of them is there."""
    files = [file, *(file.with_stem(f"{file.stem}-{n}") for n in range(2, count + 1))]
    for name in files:
        if name.exists():
            raise StartError(f"{name} cannot be written: File exists")
    return files


def _into(files: Sequence[Path]) -> str:
    return "" if len(files) == 1 else f" into {', '.join(file.name for file in files)}"


def _write(file: Path, data: bytes) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror}") from None
