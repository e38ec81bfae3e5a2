"""`doorward export`: writes people to a file, as `doorward import` reads one."""

import os
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
would give more than there was.

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
    """Writes everybody in an access system to a new file, a person a line."""
    async with open_store(data, database_url) as (database, keyring):
        chosen = await choose_system(database, system)
        exported = await export_people(database, keyring, chosen)
    _write(file, exported.data)
    say(f"{exported.people} people exported from {chosen.name}")
    if exported.people_left_out or exported.credentials_left_out:
        say(
            f"left out, because the file cannot hold them: {exported.people_left_out} people,"
            f" {exported.credentials_left_out} credentials"
        )


def _write(file: Path, data: bytes) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror}") from None
