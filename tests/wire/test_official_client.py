"""The official Python client, pointed at the toy API."""

from collections.abc import Iterator

import pytest
from seam.exceptions import SeamHttpApiError, SeamHttpInvalidInputError, SeamHttpUnauthorizedError
from seam.seam import Seam

from tests.wire.toy import GROUP, KEY, PAT, USER, USERS, WORKSPACE


@pytest.fixture(params=["API key", "personal access token"])
def seam(address: str, request: pytest.FixtureRequest) -> Iterator[Seam]:
    """The client with each kind of token."""
    with (
        Seam(endpoint=address, api_key=KEY)
        if request.param == "API key"
        else Seam(endpoint=address, personal_access_token=PAT, workspace_id=str(WORKSPACE))
    ) as seam:
        yield seam


def test_a_void_call(seam: Seam) -> None:
    seam.acs.users.remove_from_access_group(acs_access_group_id=str(GROUP), acs_user_id=str(USER))


def test_a_resource(seam: Seam) -> None:
    assert seam.acs.users.get(acs_user_id=str(USER)).acs_user_id == str(USER)


def test_every_page(seam: Seam) -> None:
    paginator = seam.create_paginator(seam.acs.users.list, {"limit": 10})
    found = [user.acs_user_id for user in paginator.flatten()]
    assert found == [str(user.acs_user_id) for user in USERS]


def test_a_missing_parameter(seam: Seam) -> None:
    with pytest.raises(SeamHttpInvalidInputError) as error:
        seam.acs.users.remove_from_access_group(acs_access_group_id="x")
    assert error.value.get_validation_error_messages("acs_access_group_id") == ["Invalid uuid"]
    assert error.value.request_id


def test_an_error(seam: Seam) -> None:
    with pytest.raises(SeamHttpApiError) as error:
        seam.acs.users.remove_from_access_group(
            acs_access_group_id=str(GROUP), acs_user_id=str(GROUP)
        )
    assert (error.value.status_code, error.value.code) == (404, "acs_user_not_found")


def test_a_wrong_token(address: str) -> None:
    with (
        Seam(api_key="seam_testNoBody_aaaa", endpoint=address) as stranger,
        pytest.raises(SeamHttpUnauthorizedError),
    ):
        stranger.acs.users.get(acs_user_id=str(USER))
