"""Setting a sandbox workspace back to its site file."""

from dataclasses import dataclass

from doorward.clock import Clock
from doorward.errors import StartError
from doorward.site.apply import restore
from doorward.site.model import Site
from doorward.site.parse import parse_site
from doorward.site.sandbox import load_sandbox
from doorward.store import resetting, site_files
from doorward.store.database import Connection, Database
from doorward.store.journal import Change
from doorward.store.secrets import Keyring


@dataclass(frozen=True, slots=True)
class Sites:
    """The site files that workspaces were brought to."""

    database: Database
    keyring: Keyring
    clock: Clock

    async def restore(self, connection: Connection, change: Change) -> None:
        """Takes away what has been made since, and makes again what the file declares.

        The caller has the transaction. Raises StartError where no file is kept, or where it does
        not go with the database.
        """
        site = await self._site(connection, change)
        await resetting.clear(connection, change)
        await restore(self.database, connection, self.keyring, site, change, self.clock)

    async def _site(self, connection: Connection, change: Change) -> Site:
        data = await site_files.read(connection, self.keyring, change.workspace_id)
        if data is not None:
            return parse_site("site file", data)
        # Sandboxes that were made before files were kept.
        sandbox = load_sandbox()
        if sandbox.workspace.workspace_id == change.workspace_id:
            return sandbox
        raise StartError("no site file of this workspace is kept: apply it once more")
