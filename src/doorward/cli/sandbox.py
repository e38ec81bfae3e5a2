"""What the sandbox site publishes, for the lines that `serve` and `env` print.

User and group have the ids of the API's documentation of acs.users.remove_from_access_group.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from doorward.cli.invocation import export
from doorward.policy.cards import CardNumber
from doorward.site.model import Credential, Site, User
from doorward.site.sandbox import load_sandbox, sandbox_secrets

USER: Final = UUID("8d7e0b3a-b889-49a7-9164-4b71a0506a33")
GROUP: Final = UUID("123e4567-e89b-12d3-a456-426614174000")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The published secrets; and the documentation's person: her card, and an entrance that one
    group alone opens for her.
    """

    workspace_id: UUID
    api_key: str
    personal_access_token: str
    card: str
    entrance: str

    def exports(self, endpoint: str) -> Iterator[str]:
        """Lines of a shell after which the clients talk to a server at this endpoint."""
        yield export("SEAM_ENDPOINT", endpoint)
        yield export("SEAM_API_KEY", self.api_key)
        yield export("SEAM_CLI_ENDPOINT", endpoint)
        yield export("SEAM_CLI_TOKEN", self.personal_access_token)
        yield export("SEAM_CLI_WORKSPACE_ID", str(self.workspace_id))


def sandbox() -> Sandbox:
    """Reads the site that comes with the program."""
    site, secrets = load_sandbox(), sandbox_secrets()
    return Sandbox(
        workspace_id=secrets.workspace_id,
        api_key=secrets.api_key,
        personal_access_token=secrets.personal_access_token,
        card=_card(site),
        entrance=_entrance(site),
    )


def _card(site: Site) -> str:
    numbers = (credential.number for credential in _credentials(site))
    return next(number.text for number in numbers if isinstance(number, CardNumber))


def _entrance(site: Site) -> str:
    by_group, otherwise = set[str](), set[str]()
    for key in _user(site).groups:
        group = site.access_groups[key]
        found = by_group if group.acs_access_group_id == GROUP else otherwise
        found.update(group.entrances)
    for credential in _credentials(site):
        otherwise.update(credential.entrances)
    return min(site.entrances[key].name for key in by_group - otherwise)


def _user(site: Site) -> User:
    return next(user for user in site.users.values() if user.acs_user_id == USER)


def _credentials(site: Site) -> list[Credential]:
    key = _user(site).key
    return [one for one in site.credentials.values() if one.user == key]
