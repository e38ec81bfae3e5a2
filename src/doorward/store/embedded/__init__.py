"""The embedded PostgreSQL: a server for one data folder, from the binaries of a wheel."""

from doorward.store.embedded.attach import attach, open_database
from doorward.store.embedded.binaries import DEFAULT_MAJOR
from doorward.store.embedded.identity import RootMode
from doorward.store.embedded.supervisor import EmbeddedPostgres

__all__ = ["DEFAULT_MAJOR", "EmbeddedPostgres", "RootMode", "attach", "open_database"]
