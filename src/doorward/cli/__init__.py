"""The command `doorward`: one module a subcommand, which is imported when it is called.

Here: the table of subcommands, and how errors end the command. Exit codes: 0 it went well,
1 it did not, 2 the command line cannot be meant so, 3 a door stays shut, 130 Ctrl-C.
"""

import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

from doorward.cli.help import HelpFormatter
from doorward.cli.output import complain
from doorward.errors import ApiError, StartError, Unavailable, UsageError

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130

_SUMMARIES: Final = {
    "serve": "Run the server: API, doors, and the embedded PostgreSQL.",
    "env": "Print the sandbox's address, key and token as shell exports.",
    "token": "Create, list and revoke API keys and personal access tokens.",
    "apply": "Apply a site file to the database.",
    "import": "Make the people of a CSV file known to an access system.",
    "export": "Write the people of an access system to a CSV file.",
    "present": "Present a card or a code at an entrance.",
    "explain": "Tell why somebody may or may not pass an entrance, rung by rung.",
    "doors": "Watch every entrance live, and try them.",
    "api": "Make any call of the API.",
}


def build() -> App:
    """The command with all its subcommands; what a subcommand needs is not imported yet."""
    root = App(
        name="doorward",
        help="Doorward, a self-hosted access-control server that speaks the Seam API.",
        version=_version,
        help_format="plaintext",
        help_formatter=HelpFormatter(),
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for name, summary in _SUMMARIES.items():
        root.command(f"{module_of(name)}:app", name=name, help=summary)
    return root


def module_of(name: str) -> str:
    """The module of a subcommand; `import` is a word of Python's own."""
    return f"doorward.cli.{'import_' if name == 'import' else name}"


def _version() -> str:
    # Takes a tenth of a start, for what hardly anybody asks.
    from importlib.metadata import version  # noqa: PLC0415

    return version("doorward")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command with these arguments, else those of the process; returns its exit code."""
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except UsageError as error:
        complain(str(error))
        return MISUSED
    except (StartError, ApiError) as error:
        complain(str(error))
    except Unavailable as error:
        complain(f"the database cannot answer now: {error}")
    except KeyboardInterrupt:
        return INTERRUPTED
    return FAILED


def _run(arguments: Sequence[str]) -> int:
    try:
        result = build()(arguments)
    except CycloptsError as error:
        complain(f"{error} See: doorward --help")
        return MISUSED
    return result if isinstance(result, int) else 0
