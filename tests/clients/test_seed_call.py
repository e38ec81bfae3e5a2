"""The documentation's own call, from every official client to a door that refuses."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.store.embedded import EmbeddedPostgres
from tests.clients.calls import Member, Target
from tests.clients.client import Client
from tests.clients.drivers import find
from tests.running import (
    ACCESS_TOKEN,
    API_KEY,
    GROUP,
    USER,
    WORKSPACE,
    RunningServer,
    command,
    running,
    seed_card,
)

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("clients") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def card(server: RunningServer) -> tuple[str, str]:
    """The entrance that the group alone opens, and the card that opens it."""
    return seed_card(server)


@pytest.fixture(params=["key", "token"])
def target(
    request: pytest.FixtureRequest, server: RunningServer, official_client: Client
) -> Target:
    if request.param == "key":
        return Target(server.endpoint, API_KEY)
    if not official_client.takes_personal_tokens:
        pytest.skip(f"{official_client.name} takes no personal access token")
    return Target(server.endpoint, ACCESS_TOKEN, WORKSPACE)


@pytest.fixture(params=["acs_user_id", "user_identity_id"])
def member(request: pytest.FixtureRequest, server: RunningServer) -> Member:
    if request.param == "acs_user_id":
        return Member(GROUP, acs_user_id=USER)
    user = server.call("/acs/users/get", acs_user_id=USER).json()["acs_user"]
    return Member(GROUP, user_identity_id=user["user_identity_id"])


def _put_back(server: RunningServer) -> None:
    with server.client() as client:
        body = {"acs_user_id": USER, "acs_access_group_id": GROUP}
        client.put("/acs/users/add_to_access_group", json=body).raise_for_status()


def test_the_door_refuses_once_the_client_has_its_answer(
    server: RunningServer,
    card: tuple[str, str],
    official_client: Client,
    target: Target,
    member: Member,
) -> None:
    _put_back(server)
    before = server.present(*card)
    outcome = official_client.remove_from_access_group(target, member)
    after = server.present(*card)
    again = official_client.remove_from_access_group(target, member)
    assert (before["outcome"], before["acs_user_id"]) == ("allow", USER)
    assert outcome.ok, outcome
    assert outcome.answer == official_client.documented_answer
    assert (after["outcome"], after["reason"]) == ("deny", "deny_no_access")
    assert after["policy_revision"] > before["policy_revision"]
    assert again.ok, again
    assert server.present(*card)["policy_revision"] == after["policy_revision"]


def test_the_error_reaches_the_client_as_the_apis_own(
    server: RunningServer, official_client: Client
) -> None:
    stranger = Member(GROUP, acs_user_id=WORKSPACE)
    outcome = official_client.remove_from_access_group(Target(server.endpoint, API_KEY), stranger)
    assert not outcome.ok
    told = outcome.stdout + outcome.stderr
    assert "acs_user_not_found" in told or "acs_user not found" in told.lower(), told


def test_a_refusal_outlives_database_restart_and_site(tmp_path: Path) -> None:
    database, data = tmp_path / "database", tmp_path / "data"
    with asyncio.Runner() as runner:
        postgres = runner.run(EmbeddedPostgres.start(database))
        server = RunningServer(data, "--database-url", postgres.dsn).start()
        try:
            card = seed_card(server)
            assert server.present(*card)["outcome"] == "allow"
            client = find("python")
            target = Target(server.endpoint, API_KEY)
            assert client.remove_from_access_group(target, Member(GROUP, acs_user_id=USER)).ok
            first = _refused(server, card)
            runner.run(postgres.stop())
            assert server.call("/acs/users/get", acs_user_id=USER).status_code == 503
            assert _refused(server, card) == first
            postgres = runner.run(EmbeddedPostgres.start(database))
            server.stop()
            server.start()
            assert _refused(server, card) >= first
            applied = command(
                "apply", str(_sandbox_file()), "--database-url", postgres.dsn, "--data", str(data)
            )
            assert applied.returncode == 0, applied.stderr
            assert "drift" in applied.stdout
            assert _refused(server, card) >= first
        finally:
            server.stop()
            runner.run(postgres.stop())


def _refused(server: RunningServer, card: tuple[str, str]) -> int:
    decision = server.present(*card)
    assert (decision["outcome"], decision["reason"]) == ("deny", "deny_no_access")
    revision: int = decision["policy_revision"]
    return revision


def _sandbox_file() -> Path:
    import doorward.site

    return Path(doorward.site.__file__).parent / "sandbox.yaml"
