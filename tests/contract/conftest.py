"""Both documents, each made once."""

import pytest

from tests.contract.official import Contract, official_contract, our_contract


@pytest.fixture(scope="session")
def official() -> Contract:
    """The official document."""
    return official_contract()


@pytest.fixture(scope="session")
def ours() -> Contract:
    """Our own document."""
    return our_contract()
