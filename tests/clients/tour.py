"""A program: makes the calls that it reads from its input with the official Python client.

A line of JSON for each call says what came of it. It is run in a process of its own, as a user
runs the client, and needs nothing of this project.
"""

import inspect
import json
import os
import sys
import urllib.request
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from typing import Any, cast

from seam.null import NULL
from seam.seam import Seam


def main() -> None:
    """Reads [[path, parameters], …] and makes one call after another."""
    seam = Seam()
    for number, (path, parameters) in enumerate(json.load(sys.stdin)):
        with urllib.request.urlopen(f"{os.environ['SEAM_ENDPOINT']}/mark/{number}"):  # noqa: S310
            pass
        print(json.dumps(_call(seam, path, parameters)))


def _call(seam: Seam, path: str, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        method: Any = reduce(getattr, path.strip("/").split("/"), cast("Any", seam))
    except AttributeError:
        return {"outcome": "unknown"}
    accepted = inspect.signature(method).parameters
    given = {name: value for name, value in parameters.items() if name in accepted}
    try:
        _make(method, given)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
        return {"outcome": repr(error), "given": given}
    return {"outcome": "done", "given": given}


def _make(method: Callable[..., object], given: dict[str, Any]) -> None:
    try:
        method(**_own(given, datetime.fromisoformat))
    except TypeError:
        # In a body, unlike in a query, the client takes moments as texts alone.
        method(**_own(given, str))


def _own(value: Any, moment: Callable[[str], object]) -> Any:
    """The client's own types: an object of its own for null, the language's for moments."""
    match value:
        case None:
            return NULL
        case {"moment": str(text)}:
            return moment(text)
        case list():
            return [_own(each, moment) for each in value]
        case dict():
            return {name: _own(each, moment) for name, each in value.items()}
        case _:
            return value


if __name__ == "__main__":
    main()
