"""The official document, as the tests of the contract have it."""

from tests.contract.conftest import official

__all__ = ["official"]
