"""`doorward api`: any call of the route table from the shell."""

import sys
from itertools import takewhile
from typing import Annotated, Any

from cyclopts import App, Parameter

from doorward.api.table import ROUTES
from doorward.cli import FAILED
from doorward.cli.catalogue import Catalogue
from doorward.cli.http import Refused, connect
from doorward.cli.output import pretty, say
from doorward.cli.parameters import parameters, read

# Help is the route table's, not cyclopts'.
app = App(name="api", help_flags=[], version_flags=[], help_format="plaintext")

_HELP_FLAGS = {"-h", "--help"}


@app.default
async def api(*words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Makes the call that the words name, with the parameters that follow them."""
    name = list(takewhile(lambda word: not word.startswith("-"), words))
    options = words[len(name) :]
    catalogue = Catalogue(ROUTES)
    if (name == list(words) and catalogue.is_group(name)) or not _HELP_FLAGS.isdisjoint(options):
        for line in catalogue.help(name):
            say(line)
        return 0
    route = catalogue.route(name)
    return await _make(route.path, read(options, parameters(route)))


async def _make(path: str, given: dict[str, Any]) -> int:
    async with connect() as client:
        try:
            say(pretty(await client.call(path, **given)))
        except Refused as error:
            print(pretty(error.answer), file=sys.stderr)
            return FAILED
    return 0
