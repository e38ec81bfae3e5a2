"""The official JavaScript client waits for encoders and doors as the Python client does.

It looks for the end of an attempt by itself; a failed one is an exception with the attempt's type.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.conftest import obtain
from tests.clients.node_packages import node_program
from tests.clients.places import CHECKOUT
from tests.clients.test_encoding import ENCODER
from tests.clients.test_unlocking import DOOR
from tests.running import API_KEY, USER, RunningServer, running

pytestmark = pytest.mark.clients

# Prints a line of JSON for each attempt: its end, or what was thrown.
PROGRAM = """
import { isSeamActionAttemptFailedError, Seam } from "seam";
const [acs_user_id, acs_encoder_id, acs_entrance_id] = process.argv.slice(1);
const seam = new Seam();
const { credentials, encoders, entrances, users } = seam.acs;
const make = async (access_method) => {
  const { acs_credential_id } = await credentials.create({ access_method, acs_user_id });
  return acs_credential_id;
};
const heard = async () => {
  while ((await users.get({ acs_user_id })).pending_mutations.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
const told = async (attempt) => {
  try {
    console.log(JSON.stringify(await attempt));
  } catch (error) {
    if (!isSeamActionAttemptFailedError(error)) throw error;
    const { code, actionAttempt } = error;
    console.log(JSON.stringify({ code, status: actionAttempt.status }));
  }
};
const encode = async () => {
  const acs_credential_id = await make("card");
  await told(encoders.encodeCredential({ acs_encoder_id, acs_credential_id }));
};
const unlock = async (acs_credential_id) => {
  await heard();
  await told(entrances.unlock({ acs_entrance_id, acs_credential_id }));
};
await encode();
await told(encoders.scanCredential({ acs_encoder_id }));
await told(encoders.scanToAssignCredential({ acs_encoder_id, acs_user_id }));
const error_code = "encoding_interrupted";
await encoders.simulate.nextCredentialEncodeWillFail({ acs_encoder_id, error_code });
await encode();
const key = await make("cloud_key");
await unlock(key);
await users.suspend({ acs_user_id });
await unlock(key);
"""


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """What the client made of each attempt, in order."""
    obtain("javascript")
    with running(tmp_path_factory.mktemp("waiting") / "data") as server:
        yield [json.loads(line) for line in _run(server).splitlines()]


def _run(server: RunningServer) -> str:
    sdk = {"SEAM_ENDPOINT": server.endpoint, "SEAM_API_KEY": API_KEY}
    node = ("--input-type=module", "--eval", PROGRAM, USER, ENCODER, DOOR)
    done = subprocess.run(
        [str(node_program()), *node],
        env={"PATH": os.environ.get("PATH", os.defpath), **sdk},
        cwd=CHECKOUT.node,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_encoders_are_waited_for(ends: list[dict[str, Any]]) -> None:
    encoded, scanned, assigned, failed = ends[:4]
    assert [each["status"] for each in (encoded, scanned, assigned)] == ["success"] * 3
    card = encoded["result"]
    assert card["is_issued"]
    on_encoder = scanned["result"]["acs_credential_on_encoder"]
    assert on_encoder["card_number"] == card["card_number"]
    assert assigned["result"]["acs_user_id"] == USER
    assert failed == {"code": "encoding_interrupted", "status": "error"}


def test_a_door_is_waited_for(ends: list[dict[str, Any]]) -> None:
    opened, refused = ends[4:]
    assert opened["status"] == "success"
    assert opened["result"] == {"was_confirmed_by_device": True}
    assert refused == {"code": "deny_suspended", "status": "error"}
