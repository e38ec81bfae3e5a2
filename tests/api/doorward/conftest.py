"""Controllers are run for every workspace of a database, so that each test here has its own."""

from tests.conftest import dsn

__all__ = ["dsn"]
