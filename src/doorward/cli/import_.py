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
from doorward.site.problems import SiteError
from doorward.store.clock import read_clock

# So many problems are told without being asked for.
_SHOWN = 100

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
    all_problems: Annotated[
        bool, Parameter(help="Print every problem, not only the first.", negative="")
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Makes everybody in a file known to an access system, or nobody where a line is wrong."""
    content = _read(file)
    async with open_store(data, database_url) as (database, keyring):
        chosen = await choose_system(database, system)
        clock = await read_clock(database)
        with bar("Importing") as progress:
            try:
                count = await import_people(
                    database, keyring, chosen, file.name, content, clock=clock, progress=progress
                )
            except SiteError as error:
                raise _refusal(error, all_problems=all_problems) from None
    say(f"{count} people imported into {chosen.name}")


def _refusal(error: SiteError, *, all_problems: bool) -> StartError:
    """What is wrong with a file: how much first, and no more of it than anybody reads."""
    lines = str(error).splitlines()
    head = f"nobody was imported: problems in {error.file}: {len(lines)}"
    if len(lines) <= _SHOWN or all_problems:
        return StartError("\n".join((head, *lines)))
    tail = f"and {len(lines) - _SHOWN} more; --all-problems prints them all"
    return StartError("\n".join((head, *lines[:_SHOWN], tail)))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StartError(f"{file} cannot be read: {error.strerror}") from None
