"""`doorward apply`: brings the database to what a site file says."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from doorward.cli.output import say
from doorward.cli.progress import bar
from doorward.cli.storage import Data, DatabaseUrl, open_store
from doorward.site.apply import apply as apply_site
from doorward.site.parse import load_site
from doorward.store.clock import read_clock

app = App(
    name="apply",
    help_epilogue="""\
The file owns structure; people, credentials and memberships are made once, and
what was removed since through the API stays removed.

Example:  doorward apply site.yaml --plan
          doorward apply site.yaml""",
)


@app.default
async def apply(
    file: Annotated[Path, Parameter(help="The site file.")],
    /,
    *,
    plan: Annotated[bool, Parameter(negative="", help="Only print what would change.")] = False,
    grant_again: Annotated[
        bool, Parameter(negative="", help="Put back what was removed since.")
    ] = False,
    prune: Annotated[
        bool, Parameter(negative="", help="Delete what is no longer in the file.")
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Prints what a site file changes, and changes it."""
    site = load_site(file)
    async with open_store(data, database_url, makes_one=not plan) as (database, keyring):
        clock = await read_clock(database)
        with bar("Applying") as progress:
            report = await apply_site(
                database,
                keyring,
                site,
                clock=clock,
                plan_only=plan,
                grant_again=grant_again,
                prune=prune,
                progress=progress,
            )
    for line in report.lines():
        say(line)
