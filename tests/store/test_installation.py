"""A database knows the master key that it was made with."""

import pytest

from doorward.errors import StartError
from doorward.store.database import Database
from doorward.store.installation import claim
from doorward.store.secrets import Keyring


async def test_another_key_is_refused(database: Database, keyring: Keyring) -> None:
    await claim(database, keyring)
    await claim(database, Keyring(bytes(range(32))))
    with pytest.raises(StartError, match=r"secret\.key"):
        await claim(database, Keyring(bytes(32)))
