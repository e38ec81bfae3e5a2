"""Which master key a database belongs to."""

from doorward.errors import StartError
from doorward.store.database import Database
from doorward.store.secrets import Keyring


async def claim(database: Database, keyring: Keyring) -> None:
    """Binds a new database to its key. Raises StartError for a database of another key."""
    await database.execute(
        "insert into installation (key_check) values ($1) on conflict do nothing", keyring.check
    )
    if await database.fetchval("select key_check from installation") != keyring.check:
        raise StartError(
            "the secret key is not the one that this database was made with; put back secret.key"
            " in the data folder, or set DOORWARD_SECRET_KEY"
        )
