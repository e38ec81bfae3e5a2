"""`doorward serve`: runs the server, and says how to talk to it."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from doorward import server
from doorward.cli.output import say
from doorward.cli.sandbox import sandbox
from doorward.cli.welcome import welcome, welcome_sandbox
from doorward.settings import load

app = App(
    name="serve",
    help_epilogue="""\
Instead of options, environment variables: DOORWARD_HOST, DOORWARD_PORT,
DOORWARD_DATA, DOORWARD_DATABASE_URL, DOORWARD_SITE.
Ctrl-C stops the server, and the database that it started.

Example:  doorward serve
          doorward serve --port 9000 --data ./data --site site.yaml""",
)


@app.default
def serve(
    *,
    host: Annotated[str | None, Parameter(help="Where to listen; otherwise 127.0.0.1.")] = None,
    port: Annotated[int | None, Parameter(help="Otherwise 8765; 0 takes a free one.")] = None,
    data: Annotated[
        Path | None, Parameter(help="The data folder; otherwise ~/.local/share/doorward.")
    ] = None,
    database_url: Annotated[
        str | None, Parameter(help="A PostgreSQL of your own instead of the embedded one.")
    ] = None,
    site: Annotated[
        Path | None, Parameter(help="The site of a new database; otherwise the sandbox.")
    ] = None,
) -> None:
    """Serves until Ctrl-C."""
    settings = load(host=host, port=port, data=data, database_url=database_url, site=site)
    server.serve(settings, on_ready=_say_welcome)


def _say_welcome(ready: server.Ready) -> None:
    for line in welcome_sandbox(ready, sandbox()) if ready.is_sandbox else welcome(ready):
        say(line)
