"""`doorward doors`: every entrance as its controller sees it, live or once."""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from doorward.cli.door_rows import HEADER, row
from doorward.cli.http import connect
from doorward.cli.lookup import list_doors, names_of
from doorward.cli.output import say, table
from doorward.errors import StartError

app = App(
    name="doors",
    help_epilogue="""\
Keys: p presents a card or a code, c cuts the entrance's controller off and lets
it back, g takes somebody out of a group or puts them back, q leaves.

Example:  doorward doors
          doorward doors --once""",
)


@app.default
async def doors(
    *,
    once: Annotated[bool, Parameter(negative="", help="Print a table and exit.")] = False,
) -> None:
    """Shows every entrance: lock, light, last read and its answer, controller."""
    if once:
        await _print_once()
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise StartError("the live view needs a terminal; --once prints a table")
    else:
        await _watch()


async def _print_once() -> None:
    async with connect() as client:
        found = await list_doors(client)
        reads = [door["last_read"] for door in found if door["last_read"]]
        names = await names_of(client, [read["acs_user_id"] for read in reads])
    for line in table(HEADER, [row(door, names) for door in found]):
        say(line)
    for door in found:
        for warning in door["warnings"]:
            say(f"{door['display_name']}: {warning['message']}")


async def _watch() -> None:
    # Textual takes longer to import than everything else here together.
    from doorward.cli.doors_view import DoorsView  # noqa: PLC0415

    async with connect() as client:
        await list_doors(client)
        await DoorsView(client).run_async()
