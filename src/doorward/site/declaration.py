"""A site as rows of the tables: what must be there if file and database agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from doorward.policy.cards import CardNumber
from doorward.resources.provider import PROVIDERS
from doorward.site.kinds import Address
from doorward.site.model import AccessGroup, Contact, Credential, Identity, Site, User
from doorward.store import credentials, links, people, structure
from doorward.store.people import new_salt
from doorward.store.published import PublishedToken
from doorward.store.rows import Row
from doorward.store.secrets import Keyring
from doorward.store.tokens import digest


@dataclass(frozen=True, slots=True)
class Declaration:
    """A row that the file declares in a line, under a key.

    parents: what must be there before it, and was made once like the row itself.
    """

    kind: str
    key: str
    line: int
    row: Row
    parents: tuple[Address, ...] = ()

    @property
    def address(self) -> Address:
        """What the row is found by."""
        return self.kind, self.row.ids


def declarations(site: Site, keyring: Keyring, at: datetime) -> list[Declaration]:
    """Everything that a site declares but its workspace, parents first.

    `at` is when credentials count as issued.
    """
    return [
        *_doors(site),
        *_groups(site),
        *_identities(site),
        *_users(site),
        *_Credentials(site, keyring, at).declared(),
        *_memberships(site),
        *_tokens(site),
    ]


def workspace_row(site: Site) -> structure.Workspace:
    """The site's workspace."""
    declared = site.workspace
    return structure.Workspace(
        declared.workspace_id,
        declared.name,
        declared.company_name,
        declared.is_sandbox,
        declared.is_publishable_key_auth_enabled,
    )


def _doors(site: Site) -> Iterator[Declaration]:
    for system in site.systems.values():
        row = structure.System(
            system.acs_system_id,
            system.connected_account_id,
            system.name,
            system.time_zone,
            system.provider,
            PROVIDERS[system.provider].display_name,
        )
        yield Declaration("system", system.key, system.line, row)
    for controller in site.controllers.values():
        system_id = _system_id(site, controller.system)
        box = structure.Controller(controller.controller_id, system_id, controller.name)
        yield Declaration("controller", controller.key, controller.line, box)
    for entrance in site.entrances.values():
        door = structure.Entrance(
            entrance.acs_entrance_id,
            _system_id(site, entrance.system),
            None if entrance.controller is None else _controller_id(site, entrance.controller),
            entrance.name,
            entrance.is_enabled,
            entrance.unlock_seconds,
            entrance.can_unlock_with_card,
            entrance.can_unlock_with_code,
        )
        yield Declaration("entrance", entrance.key, entrance.line, door)
    yield from _readers(site)
    yield from _encoders(site)


def _readers(site: Site) -> Iterator[Declaration]:
    for reader in site.readers.values():
        entrance = site.entrances[reader.entrance]
        row = structure.Reader(
            reader.reader_id,
            entrance.acs_entrance_id,
            _system_id(site, entrance.system),
            reader.name,
            reader.driver,
            reader.direction,
        )
        yield Declaration("reader", reader.key, reader.line, row)


def _encoders(site: Site) -> Iterator[Declaration]:
    for encoder in site.encoders.values():
        row = structure.Encoder(
            encoder.acs_encoder_id, _system_id(site, encoder.system), encoder.name
        )
        yield Declaration("encoder", encoder.key, encoder.line, row)


def _groups(site: Site) -> Iterator[Declaration]:
    for group in site.access_groups.values():
        row = structure.AccessGroup(
            group.acs_access_group_id,
            _system_id(site, group.system),
            group.name,
            group.window.starts_at,
            group.window.ends_at,
        )
        yield Declaration("access_group", group.key, group.line, row)
    for group in site.access_groups.values():
        yield from _group_entrances(site, group)


def _group_entrances(site: Site, group: AccessGroup) -> Iterator[Declaration]:
    for entrance, line in group.entrances.items():
        row = links.GroupEntrance(
            group.acs_access_group_id,
            site.entrances[entrance].acs_entrance_id,
            _system_id(site, group.system),
        )
        yield Declaration("access_group_entrance", f"{group.key} opens {entrance}", line, row)


def _identities(site: Site) -> Iterator[Declaration]:
    for identity in site.identities.values():
        row = people.Identity(
            identity.user_identity_id,
            identity.user_identity_key,
            *_values(identity.contact),
            new_salt(),
        )
        yield Declaration("identity", identity.key, identity.line, row)


def _users(site: Site) -> Iterator[Declaration]:
    for user in site.users.values():
        identity = site.identities[user.identity] if user.identity else None
        row = people.User(
            user.acs_user_id,
            _system_id(site, user.system),
            identity.user_identity_id if identity else None,
            user.window.starts_at,
            user.window.ends_at,
            *_values(user.contact),
            new_salt(),
        )
        parents = (_identity(identity),) if identity else ()
        yield Declaration("user", user.key, user.line, row, parents)


class _Credentials:
    """Credentials with their numbers sealed, and the entrances that they open by themselves."""

    def __init__(self, site: Site, keyring: Keyring, at: datetime) -> None:
        self._site = site
        self._keyring = keyring
        self._at = at
        self._workspace_id = site.workspace.workspace_id

    def declared(self) -> Iterator[Declaration]:
        for credential in self._site.credentials.values():
            user = self._site.users[credential.user]
            row = self._row(credential, user)
            yield Declaration("credential", credential.key, credential.line, row, (_user(user),))
        for credential in self._site.credentials.values():
            yield from self._entrances(credential)

    def _row(self, credential: Credential, user: User) -> people.Credential:
        number = credential.number
        is_card = isinstance(number, CardNumber)
        credential_id = credential.acs_credential_id
        return people.Credential(
            credential_id,
            _system_id(self._site, user.system),
            user.acs_user_id,
            "card" if is_card else "code",
            credential.name,
            credential.window.starts_at,
            credential.window.ends_at,
            number.format if isinstance(number, CardNumber) else None,
            credentials.lookup(self._keyring, self._workspace_id, number),
            credentials.seal_number(self._keyring, self._workspace_id, credential_id, number.text),
            state="active",
            issued_at=self._at,
            code_length=None if is_card else len(number.text),
        )

    def _entrances(self, credential: Credential) -> Iterator[Declaration]:
        user = self._site.users[credential.user]
        parents = (_user(user), ("credential", (credential.acs_credential_id,)))
        for entrance, line in credential.entrances.items():
            row = links.CredentialEntrance(
                credential.acs_credential_id,
                self._site.entrances[entrance].acs_entrance_id,
                _system_id(self._site, user.system),
            )
            key = f"{credential.key} opens {entrance}"
            yield Declaration("credential_entrance", key, line, row, parents)


def _memberships(site: Site) -> Iterator[Declaration]:
    for user in site.users.values():
        for group, line in user.groups.items():
            row = links.Membership(
                site.access_groups[group].acs_access_group_id,
                user.acs_user_id,
                _system_id(site, user.system),
            )
            yield Declaration("membership", f"{user.key} in {group}", line, row, (_user(user),))


def _tokens(site: Site) -> Iterator[Declaration]:
    for token in site.tokens.values():
        row = PublishedToken(token.kind, token.name, digest(token.text), token.scopes, token.text)
        yield Declaration("token", token.key, token.line, row)


def _system_id(site: Site, key: str) -> UUID:
    return site.systems[key].acs_system_id


def _controller_id(site: Site, key: str) -> UUID:
    return site.controllers[key].controller_id


def _values(contact: Contact) -> tuple[str | None, str | None, str | None]:
    return contact.name, contact.email, contact.phone


def _identity(identity: Identity) -> Address:
    return "identity", (identity.user_identity_id,)


def _user(user: User) -> Address:
    return "user", (user.acs_user_id,)
