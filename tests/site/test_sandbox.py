"""The sandbox is what the issue, the documentation and the demonstration say it is."""

from uuid import UUID

from doorward.policy.cards import CardNumber, CodeNumber
from doorward.resources.provider import PROVIDERS
from doorward.site.apply import apply_if_empty
from doorward.site.sandbox import load_sandbox, sandbox_secrets
from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from tests.conftest import MovableClock
from tests.site.tables import check_facts

USER = UUID("8d7e0b3a-b889-49a7-9164-4b71a0506a33")
GROUP = UUID("123e4567-e89b-12d3-a456-426614174000")


def test_it_has_the_ids_of_the_documentation() -> None:
    site = load_sandbox()
    user = next(user for user in site.users.values() if user.acs_user_id == USER)
    group = next(g for g in site.access_groups.values() if g.acs_access_group_id == GROUP)
    assert site.workspace.workspace_id == UUID("398d80b7-3f96-47c2-b85a-6f8ba21d07be")
    assert site.workspace.is_sandbox
    assert group.key in user.groups
    assert user.identity in site.identities
    numbers = {type(c.number) for c in site.credentials.values() if c.user == user.key}
    assert numbers == {CardNumber, CodeNumber}


def test_the_group_alone_opens_exactly_one_entrance_for_the_user() -> None:
    site = load_sandbox()
    user = next(user for user in site.users.values() if user.acs_user_id == USER)
    group = next(g for g in site.access_groups.values() if g.acs_access_group_id == GROUP)
    others = {
        entrance
        for key in user.groups
        if key != group.key
        for entrance in site.access_groups[key].entrances
    } | {
        entrance
        for credential in site.credentials.values()
        if credential.user == user.key
        for entrance in credential.entrances
    }
    assert len(set(group.entrances) - others) == 1
    # So that the demonstration has a door that stays open for her, too.
    assert others


def test_it_is_as_large_as_a_demonstration_needs() -> None:
    site = load_sandbox()
    office = {key for key, entrance in site.entrances.items() if entrance.system == "office"}
    assert len([group for group in site.access_groups.values() if group.system == "office"]) == 4
    assert len(office) == 5
    assert 10 <= len([user for user in site.users.values() if user.system == "office"]) <= 12
    assert {reader.driver for reader in site.readers.values()} == {"virtual"}
    assert {reader.entrance for reader in site.readers.values()} == office


def test_it_has_a_system_that_goes_by_groups_and_one_that_goes_by_cards() -> None:
    site = load_sandbox()
    kinds = {PROVIDERS[each.provider].is_group_based for each in site.systems.values()}
    assert [each.is_native for each in site.systems.values()].count(False) == len(kinds) == 2
    for system in (each.key for each in site.systems.values() if not each.is_native):
        assert [each for each in site.entrances.values() if each.system == system]
    shared = {user.identity for user in site.users.values() if user.system == "harbour"}
    assert shared == {"jane", "omar"}
    assert {group.system for group in site.access_groups.values()} == {"office", "harbour"}
    [guest] = [user for user in site.users.values() if user.system == "guest-house"]
    [card] = [each for each in site.credentials.values() if each.user == guest.key]
    assert {site.entrances[key].system for key in card.entrances} == {"guest-house"}
    assert "guest-house" in {encoder.system for encoder in site.encoders.values()}


async def test_its_secrets_are_found_and_published(
    database: Database, keyring: Keyring, clock: MovableClock
) -> None:
    assert await apply_if_empty(database, keyring, load_sandbox(), clock=clock)
    secrets = sandbox_secrets()
    assert secrets.api_key.startswith("seam_testDoorward_")
    assert secrets.personal_access_token.startswith("seam_at1")
    for secret, kind in (
        (secrets.api_key, "api_key"),
        (secrets.personal_access_token, "personal_access_token"),
    ):
        token = await tokens.find(database, secret)
        assert token is not None
        assert (token.kind, token.workspace_id, token.is_published) == (
            kind,
            secrets.workspace_id,
            True,
        )
    assert len(await tokens.published_tokens(database)) == 2
    await check_facts(database, secrets.workspace_id)
