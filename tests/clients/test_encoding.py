"""The official client has cards encoded and scanned, and waits for the attempts by default."""

from collections.abc import Iterator
from typing import Any

import pytest
from seam.exceptions import SeamActionAttemptFailedError
from seam.seam import Seam

from tests.running import API_KEY, OFFICE, USER, RunningServer, running

ENCODER = "18ad521a-308e-4182-b1a6-2338b46a2763"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A sandbox."""
    with running(tmp_path_factory.mktemp("encoding") / "data") as server:
        yield server


@pytest.fixture
def seam(server: RunningServer) -> Iterator[Seam]:
    """The client, with nothing set but where the server is."""
    with Seam(api_key=API_KEY, endpoint=server.endpoint) as seam:
        yield seam


def card(seam: Seam) -> str:
    """A card that waits to be encoded."""
    made = seam.acs.credentials.create(access_method="card", acs_user_id=USER)
    assert not made.is_issued
    card_id: str = made.acs_credential_id
    return card_id


def test_a_card_is_encoded_and_scanned(seam: Seam) -> None:
    [encoder] = seam.acs.encoders.list(acs_system_id=OFFICE)
    desk = encoder.acs_encoder_id
    assert desk == ENCODER
    attempt = seam.acs.encoders.encode_credential(acs_encoder_id=desk, acs_credential_id=card(seam))
    made: Any = attempt.result
    assert (attempt.status, made.is_issued) == ("success", True)
    scanned: Any = seam.acs.encoders.scan_credential(acs_encoder_id=desk).result
    assert scanned.acs_credential_on_encoder.card_number == made.card_number


def test_a_simulated_failure_is_raised_with_its_code(seam: Seam) -> None:
    seam.acs.encoders.simulate.next_credential_encode_will_fail(
        acs_encoder_id=ENCODER, error_code="no_credential_on_encoder"
    )
    with pytest.raises(SeamActionAttemptFailedError) as failed:
        seam.acs.encoders.encode_credential(acs_encoder_id=ENCODER, acs_credential_id=card(seam))
    assert failed.value.code == "no_credential_on_encoder"


def test_a_scanned_card_is_given_to_a_person(seam: Seam) -> None:
    attempt = seam.acs.encoders.scan_to_assign_credential(acs_encoder_id=ENCODER, acs_user_id=USER)
    made: Any = attempt.result
    assert made.acs_user_id == USER
