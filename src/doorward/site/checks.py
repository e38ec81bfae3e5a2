"""What must hold between the entries of a site file: nothing twice, nothing across systems."""

from collections.abc import Hashable, Iterable
from itertools import chain
from uuid import UUID

from doorward.policy.cards import CardNumber
from doorward.resources.provider import PROVIDERS, Provider
from doorward.site.model import Contact, Credential, Site
from doorward.site.problems import Problems


def check(site: Site, problems: Problems) -> None:
    """Notes every contradiction between entries."""
    _check_ids(site, problems)
    _check_systems(site, problems)
    _check_providers(site, problems)
    _check_identities(site, problems)
    _check_credentials(site, problems)
    _check_tokens(site, problems)


def _once(found: Iterable[tuple[Hashable, int, str]], problems: Problems) -> None:
    """Notes each value that was found before; of a value, its line, and how to call it."""
    lines: dict[Hashable, int] = {}
    for value, line, name in found:
        if value in lines:
            problems.add(line, f"{name} stands in line {lines[value]} already")
        lines.setdefault(value, line)


def _check_ids(site: Site, problems: Problems) -> None:
    _once(((value, line, f"the id {value}") for value, line in _ids(site)), problems)


def _ids(site: Site) -> Iterable[tuple[UUID, int]]:
    yield site.workspace.workspace_id, site.workspace.line
    for system in site.systems.values():
        yield system.acs_system_id, system.line
        yield system.connected_account_id, system.line
    yield from ((entry.controller_id, entry.line) for entry in site.controllers.values())
    yield from ((entry.acs_entrance_id, entry.line) for entry in site.entrances.values())
    yield from ((entry.reader_id, entry.line) for entry in site.readers.values())
    yield from ((entry.acs_encoder_id, entry.line) for entry in site.encoders.values())
    yield from ((entry.acs_access_group_id, entry.line) for entry in site.access_groups.values())
    yield from ((entry.user_identity_id, entry.line) for entry in site.identities.values())
    yield from ((entry.acs_user_id, entry.line) for entry in site.users.values())
    yield from ((entry.acs_credential_id, entry.line) for entry in site.credentials.values())


def _check_systems(site: Site, problems: Problems) -> None:
    """Groups, entrances and people only meet within one system."""
    for group in site.access_groups.values():
        _check_entrances(
            site, group.system, group.entrances, f"access_groups.{group.key}", problems
        )
    for user in site.users.values():
        for key, line in user.groups.items():
            if _apart(site.access_groups[key].system, user.system):
                reason = f"users.{user.key} and access_groups.{key} are of different systems"
                problems.add(line, reason)
    for credential in site.credentials.values():
        system = site.users[credential.user].system if credential.user in site.users else ""
        _check_entrances(site, system, credential.entrances, f"users.{credential.key}", problems)


def _check_providers(site: Site, problems: Problems) -> None:
    """Other systems than ours keep what their kind can keep."""
    kinds = {key: PROVIDERS[system.provider] for key, system in site.systems.items()}
    for group in site.access_groups.values():
        kind = kinds.get(group.system)
        if kind is not None and not kind.is_group_based:
            reason = f"access_groups.{group.key}: {kind.display_name} has no access groups"
            problems.add(group.line, reason)
    for credential in site.credentials.values():
        user = site.users.get(credential.user)
        kept = kinds.get(user.system) if user else None
        wrong = kept and _unkept(credential, kept)
        if kept and wrong:
            problems.add(credential.line, f"users.{credential.key}: {kept.display_name} {wrong}")


def _unkept(credential: Credential, kind: Provider) -> str | None:
    number = credential.number
    if isinstance(number, CardNumber):
        return None if "card" in kind.methods else "has no cards"
    if "code" not in kind.methods:
        return "has no codes"
    fewest, most = kind.code_lengths
    is_kept = not number.text or fewest <= len(number.text) <= most
    return None if is_kept else f"takes codes of {fewest} to {most} digits"


def _check_entrances(
    site: Site, system: str, entrances: dict[str, int], name: str, problems: Problems
) -> None:
    for key, line in entrances.items():
        if _apart(site.entrances[key].system, system):
            problems.add(line, f"{name} and entrances.{key} are of different systems")


def _apart(one: str, other: str) -> bool:
    """Whether two systems differ; one that is not known has been told of already."""
    return bool(one and other and one != other)


def _check_identities(site: Site, problems: Problems) -> None:
    people = site.identities.values()
    keys = ((p.user_identity_key, p.line, "this user_identity_key") for p in people)
    _once((found for found in keys if found[0]), problems)
    contacts = [(p.contact, p.line) for p in people]
    _once(chain.from_iterable(_addresses(contact, line) for contact, line in contacts), problems)
    _once(
        (
            ((user.identity, user.system), user.line, f"a user of identities.{user.identity}")
            for user in site.users.values()
            if user.identity
        ),
        problems,
    )


def _addresses(contact: Contact, line: int) -> Iterable[tuple[Hashable, int, str]]:
    if contact.email:
        yield contact.email.lower(), line, "an identity with this e-mail address"
    if contact.phone:
        yield contact.phone, line, "an identity with this phone number"


def _check_credentials(site: Site, problems: Problems) -> None:
    """A card or a code that two people of a system had would not tell who asks."""
    _once(
        (
            (
                (site.users[entry.user].system, entry.number.canonical),
                entry.line,
                _called(entry.number),
            )
            for entry in site.credentials.values()
            if entry.number.text and entry.user in site.users
        ),
        problems,
    )


def _called(number: object) -> str:
    return "this card" if isinstance(number, CardNumber) else "this code"


def _check_tokens(site: Site, problems: Problems) -> None:
    _once(
        ((entry.text, entry.line, "this token") for entry in site.tokens.values() if entry.text),
        problems,
    )
