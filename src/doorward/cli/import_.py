"""`doorward import`: makes many people at once, from a file."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from doorward.cli.output import say
from doorward.cli.progress import bar
from doorward.cli.storage import Data, DatabaseUrl, open_store
from doorward.cli.systems import SystemName, choose_system
from doorward.errors import StartError
from doorward.site.people_import import import_people
from doorward.store.clock import read_clock

app = App(
    name="import",
    help_epilogue="""\
The first line of the file names its columns: name, and as many of email, phone,
card, code and groups as there are. Several cards, codes or groups of a person
are separated by semicolons.

Example:  doorward import people staff.csv
          doorward import people guests.csv --system "Main building\"""",
)


@app.command
async def people(
    file: Annotated[Path, Parameter(help="A CSV file, a person a line.")],
    /,
    *,
    system: SystemName = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Makes everybody in a file known to an access system, or nobody where a line is wrong."""
    content = _read(file)
    async with open_store(data, database_url) as (database, keyring):
        chosen = await choose_system(database, system)
        clock = await read_clock(database)
        with bar("Importing") as progress:
            count = await import_people(
                database, keyring, chosen, file.name, content, clock=clock, progress=progress
            )
    say(f"{count} people imported into {chosen.name}")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StartError(f"{file} cannot be read: {error.strerror}") from None
