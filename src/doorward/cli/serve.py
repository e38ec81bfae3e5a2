"""`doorward serve`: runs the server, and says how to talk to it."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from doorward import server
from doorward.cli.invocation import token_line
from doorward.cli.output import say
from doorward.cli.sandbox import sandbox
from doorward.cli.welcome import welcome, welcome_sandbox
from doorward.errors import StartError
from doorward.settings import load

app = App(
    name="serve",
    help_epilogue="""\
Instead of options, environment variables: DOORWARD_HOST, DOORWARD_PORT,
DOORWARD_DATA, and so on: DOORWARD_ and the option's name.
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
    tls_cert: Annotated[
        Path | None, Parameter(help="The certificate chain (PEM), for HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, Parameter(help="The certificate's key (PEM).")] = None,
    insecure_http: Annotated[
        bool | None, Parameter(negative="", help="Plain HTTP beyond this machine, on purpose.")
    ] = None,
    proxy: Annotated[
        str | None, Parameter(help="The proxies in front: addresses or networks, with commas.")
    ] = None,
    rate_limit: Annotated[
        float | None, Parameter(help="Calls a second for each token; otherwise 1000, 0 for any.")
    ] = None,
    in_flight: Annotated[
        int | None, Parameter(help="Calls answered at a time; otherwise 256.")
    ] = None,
    connections: Annotated[
        int | None, Parameter(help="Open connections at a time; otherwise 1000.")
    ] = None,
    deadline: Annotated[
        float | None, Parameter(help="Seconds until a call is given up; otherwise 10.")
    ] = None,
    log: Annotated[str | None, Parameter(help="console or json; otherwise console.")] = None,
) -> None:
    """Serves until Ctrl-C."""
    settings = load(
        host=host,
        port=port,
        data=data,
        database_url=database_url,
        site=site,
        tls_cert=tls_cert,
        tls_key=tls_key,
        insecure_http=insecure_http,
        proxy=proxy,
        rate_limit=rate_limit,
        in_flight=in_flight,
        connections=connections,
        deadline=deadline,
        log=log,
    )
    try:
        server.serve(settings, on_ready=_say_welcome)
    except server.Published as refusal:
        line = token_line(settings, "revoke", *map(str, refusal.token_ids))
        raise StartError(f"{refusal}: {line}") from refusal


def _say_welcome(ready: server.Ready) -> None:
    for line in welcome_sandbox(ready, sandbox()) if ready.is_sandbox else welcome(ready):
        say(line)
