"""A site file's text to a Site: each section's keys, and the ids of what has none."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar, cast
from uuid import UUID, uuid4
from zoneinfo import available_timezones

from doorward.policy.cards import CardNumber, CodeNumber, parse_card
from doorward.resources.provider import NATIVE, PROVIDERS
from doorward.site.checks import check
from doorward.site.document import Mapping, read_document
from doorward.site.model import (
    AccessGroup,
    Contact,
    Controller,
    Credential,
    Encoder,
    Entrance,
    Identity,
    PublishedToken,
    Reader,
    Site,
    System,
    User,
    Window,
    Workspace,
    derived_id,
    derived_workspace_id,
)
from doorward.site.problems import Problems
from doorward.site.section import CODE, Section
from doorward.store.personal import EMAIL, PHONE
from doorward.store.tokens import DEFAULT_SCOPES, FORMS, SCOPES, TokenKind

_TOKENS: Final[dict[TokenKind, str]] = {
    "api_key": "a key such as seam_test1234_ and 24 letters and digits",
    "personal_access_token": "a token such as seam_at11234_ and 24 letters and digits",
}

_OTHERS: Final = tuple(sorted(set(PROVIDERS) - {NATIVE.external_type}))


class Keyed(Protocol):
    """An entry of a section."""

    @property
    def key(self) -> str:
        """The entry's key in the file."""


K = TypeVar("K", bound=Keyed)


def load_site(path: Path) -> Site:
    """The site of a file. Raises SiteError, also for a file that cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Problems(str(path)).fail(1, f"cannot be read: {error.strerror}") from None
    return parse_site(path.name, data)


def parse_site(file: str, data: bytes) -> Site:
    """The site of a file's bytes. Raises SiteError with every problem; `file` names it there."""
    problems = Problems(file)
    site = _Parser(read_document(data, problems), problems).site(file, data)
    check(site, problems)
    problems.refuse()
    return site


class _Parser:
    """Reads the sections in the order in which they refer to each other."""

    def __init__(self, document: Mapping, problems: Problems) -> None:
        self._problems = problems
        self._top = Section(document, "", problems)
        self._workspace = self._read_workspace()
        self._readers: list[Reader] = []
        self._credentials: list[Credential] = []

    def site(self, file: str, data: bytes) -> Site:
        self._systems = self._each("systems", self._system)
        self._native = {key for key, system in self._systems.items() if system.is_native}
        self._controllers = self._each("controllers", self._controller)
        self._entrances = self._each("entrances", self._entrance)
        encoders = self._each("encoders", self._encoder)
        self._groups = self._each("access_groups", self._group)
        self._identities = self._each("identities", self._identity)
        users = self._each("users", self._user)
        tokens = self._each("tokens", self._token)
        self._top.close()
        return Site(
            file=file,
            workspace=self._workspace,
            systems=self._systems,
            controllers=self._controllers,
            entrances=self._entrances,
            readers={reader.key: reader for reader in self._readers},
            encoders=encoders,
            access_groups=self._groups,
            identities=self._identities,
            users=users,
            credentials={credential.key: credential for credential in self._credentials},
            tokens=tokens,
            data=data,
        )

    def _each(self, name: str, read: Callable[[str, Section], K]) -> dict[str, K]:
        return {entry.key: entry for entry in self._entries(self._top, name, read)}

    def _entries(
        self, parent: Section, name: str, read: Callable[[str, Section], K]
    ) -> Iterator[K]:
        for key, section in parent.sections(name):
            yield read(key, section)
            section.close()

    def _id(self, section: Section, kind: str, key: str, name: str = "id") -> UUID:
        return section.uuid(name) or derived_id(self._workspace.workspace_id, kind, key)

    def _read_workspace(self) -> Workspace:
        section = self._top.section("workspace")
        if section is None:
            return Workspace(
                1, uuid4(), "", "", is_sandbox=False, is_publishable_key_auth_enabled=False
            )
        name, is_sandbox = section.required("name"), section.boolean("is_sandbox", default=False)
        workspace = Workspace(
            section.line,
            section.uuid("id") or derived_workspace_id(name),
            name,
            section.text("company_name") or name,
            is_sandbox,
            section.boolean("is_publishable_key_auth_enabled", default=is_sandbox),
        )
        section.close()
        return workspace

    def _system(self, key: str, section: Section) -> System:
        provider = self._provider(section)
        return System(
            section.line,
            key,
            self._id(section, "system", key),
            self._id(section, "account", key, "account_id"),
            section.required("name"),
            _time_zone(section),
            provider,
        )

    def _provider(self, section: Section) -> str:
        kind = section.choice("kind", ("doorward", "simulated"), "doorward")
        provider = section.choice("provider", _OTHERS, "")
        if kind == "doorward":
            if section.has("provider"):
                section.problem("provider", "is for simulated systems alone")
            return NATIVE.external_type
        if not section.has("provider"):
            section.problem("provider", f"is missing, one of {', '.join(_OTHERS)}")
        if not self._workspace.is_sandbox:
            section.problem("kind", "simulated is for sandbox workspaces alone")
        return provider or NATIVE.external_type

    def _controller(self, key: str, section: Section) -> Controller:
        return Controller(
            section.line,
            key,
            self._id(section, "controller", key),
            _one_of(section, "system", self._native, self._native_name()),
            section.required("name"),
        )

    def _entrance(self, key: str, section: Section) -> Entrance:
        if section.has("system"):
            return self._entrance_elsewhere(key, section)
        controller = _one_of(section, "controller", self._controllers, "controllers")
        self._readers += self._entries(
            section, "readers", lambda name, reader: self._reader(key, name, reader)
        )
        known = self._controllers.get(controller)
        return Entrance(
            section.line,
            key,
            self._id(section, "entrance", key),
            known.system if known else "",
            controller,
            section.required("name"),
            section.boolean("is_enabled", default=True),
            section.integer("unlock_seconds", least=1, most=600, default=5),
            section.boolean("can_unlock_with_card", default=True),
            section.boolean("can_unlock_with_code", default=True),
        )

    def _native_name(self) -> str:
        return "systems" if len(self._native) == len(self._systems) else "native systems"

    def _entrance_elsewhere(self, key: str, section: Section) -> Entrance:
        """An entrance at which another system decides, and which takes what that system takes."""
        others = {name for name, system in self._systems.items() if not system.is_native}
        system = _one_of(section, "system", others, "simulated systems")
        methods = PROVIDERS[self._systems[system].provider].methods if system in others else ()
        return Entrance(
            section.line,
            key,
            self._id(section, "entrance", key),
            system if system in others else "",
            None,
            section.required("name"),
            is_enabled=True,
            unlock_seconds=5,
            can_unlock_with_card="card" in methods,
            can_unlock_with_code="code" in methods,
        )

    def _reader(self, entrance: str, name: str, section: Section) -> Reader:
        key = f"{entrance}/{name}"
        direction = section.choice("direction", ("entry", "exit"), "entry")
        return Reader(
            section.line,
            key,
            self._id(section, "reader", key),
            entrance,
            section.text("name") or name,
            section.choice("driver", ("virtual",), "virtual"),
            cast("Literal['entry', 'exit']", direction),
        )

    def _encoder(self, key: str, section: Section) -> Encoder:
        if not self._workspace.is_sandbox:
            reason = "only a sandbox workspace has encoders, which are simulated"
            self._problems.add(section.line, f"{section.name}: {reason}")
        return Encoder(
            section.line,
            key,
            self._id(section, "encoder", key),
            _one_of(section, "system", self._systems, "systems", self._native),
            section.required("name"),
        )

    def _group(self, key: str, section: Section) -> AccessGroup:
        return AccessGroup(
            section.line,
            key,
            self._id(section, "access_group", key),
            _one_of(section, "system", self._systems, "systems", self._native),
            section.required("name"),
            _window(section),
            _some_of(section, "entrances", self._entrances, "entrances"),
        )

    def _identity(self, key: str, section: Section) -> Identity:
        return Identity(
            section.line,
            key,
            self._id(section, "identity", key),
            section.text("user_identity_key"),
            _contact(section, Contact()),
        )

    def _user(self, key: str, section: Section) -> User:
        identity = section.reference("identity")
        known = self._identities.get(identity.key) if identity else None
        if identity and not known:
            section.problem("identity", f"names {identity.key!r}, which identities does not have")
        self._credentials += self._entries(
            section, "credentials", lambda name, entry: self._credential(key, name, entry)
        )
        contact = _contact(section, known.contact if known else Contact())
        if contact.name is None and not (identity and not known):
            section.problem("name", "is missing, here or at the identity")
        return User(
            section.line,
            key,
            self._id(section, "user", key),
            _one_of(section, "system", self._systems, "systems", self._native),
            identity.key if identity else None,
            contact,
            _window(section),
            _some_of(section, "groups", self._groups, "access_groups"),
        )

    def _credential(self, user: str, name: str, section: Section) -> Credential:
        key = f"{user}/{name}"
        return Credential(
            section.line,
            key,
            self._id(section, "credential", key),
            user,
            section.text("name") or name,
            _number(section),
            _window(section),
            _some_of(section, "entrances", self._entrances, "entrances"),
        )

    def _token(self, key: str, section: Section) -> PublishedToken:
        if not self._workspace.is_sandbox:
            self._problems.add(section.line, f"{section.name}: only a sandbox workspace has tokens")
        kind = cast("TokenKind", section.choice("kind", tuple(_TOKENS), "api_key"))
        if not section.has("text"):
            section.problem("text", "is missing")
        text = section.matching("text", FORMS[kind], _TOKENS[kind]) or ""
        name = section.text("name") or key
        scopes: Collection[str] = DEFAULT_SCOPES[kind]
        if section.has("scopes"):
            scopes = _some_of(section, "scopes", SCOPES, "the list of scopes")
        return PublishedToken(section.line, key, kind, name, text, tuple(sorted(scopes)))


def _time_zone(section: Section) -> str:
    name = section.required("time_zone")
    if name and name not in available_timezones():
        section.problem("time_zone", "must be a zone such as Europe/Berlin")
    return name


def _window(section: Section) -> Window:
    window = Window(section.instant("starts_at"), section.instant("ends_at"))
    if window.starts_at and window.ends_at and window.ends_at <= window.starts_at:
        section.problem("ends_at", "must be later than starts_at")
    return window


def _contact(section: Section, default: Contact) -> Contact:
    return Contact(
        section.text("name") or default.name,
        section.matching("email", EMAIL, "an e-mail address") or default.email,
        section.matching("phone", PHONE, "a number such as +4930123456") or default.phone,
    )


def _number(section: Section) -> CardNumber | CodeNumber:
    """The one number of a credential; an empty code stands in for it once a problem is noted."""
    if section.has("card") == section.has("code"):
        section.problem("card", "or code is needed, one of the two")
    code = section.matching("code", CODE, "4 to 9 digits")
    card = parse_card(section.text("card") or "")
    if isinstance(card, CardNumber):
        return card
    if section.has("card"):
        section.problem("card", "must be FACILITY-NUMBER such as 42-12345, or a serial number")
    return CodeNumber(code or "")


def _one_of(
    section: Section,
    key: str,
    known: Collection[str],
    where: str,
    usual: Collection[str] | None = None,
) -> str:
    """A key of another section. usual: those of which the only one is meant where none is named."""
    reference = section.reference(key)
    if reference is None:
        meant = known if len(known) == 1 else usual or ()
        if len(meant) == 1:
            return next(iter(meant))
        section.problem(key, f"must name one of {where}" if known else f"needs one of {where}")
        return ""
    if reference.key not in known:
        section.problem(key, f"names {reference.key!r}, which {where} does not have")
    return reference.key


def _some_of(section: Section, key: str, known: Collection[str], where: str) -> dict[str, int]:
    references = section.references(key)
    for line, name in references:
        if name not in known:
            reason = f"{section.name}.{key} names {name!r}, which {where} does not have"
            section.problems.add(line, reason)
    return {name: line for line, name in references if name in known}
