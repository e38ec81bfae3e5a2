"""`doorward env`: the sandbox's address, key and token as exports for a POSIX shell."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from doorward.cli.invocation import export
from doorward.cli.output import say
from doorward.cli.sandbox import sandbox
from doorward.settings import default_data, load

app = App(
    name="env",
    help_epilogue="""\
Example:  eval "$(doorward env)"

It asks no server: key and token are the published ones of the sandbox site.""",
)


@app.default
def env(
    *,
    host: Annotated[str | None, Parameter(help="The server's host, as `serve` has it.")] = None,
    port: Annotated[int | None, Parameter(help="The server's port, as `serve` has it.")] = None,
    data: Annotated[Path | None, Parameter(help="The server's data folder.")] = None,
    tls_cert: Annotated[Path | None, Parameter(help="As `serve` has it, for HTTPS.")] = None,
    tls_key: Annotated[Path | None, Parameter(help="As `serve` has it.")] = None,
) -> None:
    """Prints lines for a shell to evaluate."""
    settings = load(host=host, port=port, data=data, tls_cert=tls_cert, tls_key=tls_key)
    for line in sandbox().exports(settings.endpoint):
        say(line)
    if settings.data != default_data().absolute():
        say(export("DOORWARD_DATA", str(settings.data)))
