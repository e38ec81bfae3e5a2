"""The options of the commands that go to the database themselves, whether a server runs or not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

from cyclopts import Parameter

from doorward import server
from doorward.errors import StartError
from doorward.settings import load
from doorward.store.database import Database
from doorward.store.secrets import Keyring

Data: TypeAlias = Annotated[
    Path | None, Parameter(help="The server's data folder, else DOORWARD_DATA.")
]
DatabaseUrl: TypeAlias = Annotated[
    str | None, Parameter(help="The server's PostgreSQL, else DOORWARD_DATABASE_URL.")
]


@asynccontextmanager
async def open_store(
    data: Path | None, database_url: str | None, *, makes_one: bool = False
) -> AsyncIterator[tuple[Database, Keyring]]:
    """The database that these options name, and its keys; a new one only where it `makes_one`.

    Raises StartError.
    """
    settings = load(data=data, database_url=database_url)
    if not makes_one and settings.database_url is None and not settings.data.exists():
        raise StartError(
            f"there is no data folder {settings.data}; name the server's with --data or"
            " DOORWARD_DATA"
        )
    async with server.open_store(settings) as store:
        yield store
