"""Kinds of access systems, as data: what each is called in the API, and what it can do.

Ours decides at its own doors; every other keeps a list of its own, to which a driver brings what is
desired. Names are those of the API's closed lists; a kind without a name of some object leaves it
out there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

Method = Literal["card", "code", "cloud_key", "mobile_key"]

# What credentials are called; the API has no parameter for it.
METHOD_NAMES: Final[Mapping[str, str]] = {
    "card": "Card",
    "code": "Code",
    "cloud_key": "Cloud key",
    "mobile_key": "Mobile key",
}


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of access system.

    external_type: the system's own; user_type, group_type, credential_type: its objects', None
    where the API has no name. is_group_based: access goes by groups, else by the entrances of each
    credential. methods: of credentials that it keeps; mobile keys where the guide to the maker in
    Seam's documentation says so (docs/compatibility.md names the pages). code_lengths: the fewest
    and the most digits of a code. has_grants: a person can be granted one entrance beside all
    groups and credentials.
    unreachable, no_seat: the errors of the API that say so. is_full_as_a_whole: the system itself
    has the error no_seat as well. nearly_full: the warning of a system with few places left, None
    for a kind that says nothing of it.
    """

    external_type: str
    display_name: str
    user_type: str | None
    group_type: str | None
    credential_type: str | None
    is_group_based: bool = True
    methods: frozenset[Method] = frozenset({"card", "code"})
    code_lengths: tuple[int, int] = (4, 9)
    can_suspend: bool = True
    has_grants: bool = False
    unreachable: str = "provider_service_unavailable"
    no_seat: str = "failed_to_create_on_acs_system"
    is_full_as_a_whole: bool = False
    nearly_full: str | None = None


_CARD: Final[frozenset[Method]] = frozenset({"card"})
_CODE: Final[frozenset[Method]] = frozenset({"code"})
_PHONE: Final[frozenset[Method]] = frozenset({"mobile_key"})

NATIVE: Final = Provider(
    "doorward_system",
    "Doorward",
    "doorward_user",
    "doorward_access_group",
    "doorward_credential",
    methods=frozenset({"card", "code", "cloud_key"}),
    has_grants=True,
)

PROVIDERS: Final = {
    each.external_type: each
    for each in (
        NATIVE,
        Provider(
            "salto_ks_site",
            "Salto KS site",
            "salto_site_user",
            "salto_ks_access_group",
            "salto_ks_credential",
            methods=_CODE | _PHONE,
            code_lengths=(6, 6),
            no_seat="salto_ks_subscription_limit_exceeded",
            is_full_as_a_whole=True,
            nearly_full="salto_ks_subscription_limit_almost_reached",
        ),
        Provider(
            "visionline_system",
            "Visionline",
            None,
            None,
            "visionline_card",
            is_group_based=False,
            methods=_CARD | _PHONE,
            can_suspend=False,
            unreachable="visionline_instance_unreachable",
        ),
        Provider("pti_site", "PTI site", "pti_user", "pti_access_level", "pti_card"),
        Provider(
            "avigilon_alta_org",
            "Avigilon Alta organization",
            "avigilon_alta_user",
            "avigilon_alta_group",
            "avigilon_alta_credential",
        ),
        Provider(
            "salto_space_system",
            "Salto Space",
            "salto_space_user",
            "salto_space_group",
            "salto_space_key",
            methods=_CARD | _PHONE,
        ),
        Provider("brivo_account", "Brivo account", "brivo_user", "brivo_group", "brivo_credential"),
        Provider(
            "hid_credential_manager_organization",
            "HID Credential Manager organization",
            "hid_credential_manager_user",
            None,
            "hid_credential",
            is_group_based=False,
            methods=_CARD,
        ),
        Provider(
            "assa_abloy_credential_service",
            "ASSA ABLOY Credential Service",
            None,
            None,
            None,
            is_group_based=False,
            methods=frozenset(),
            can_suspend=False,
        ),
        Provider(
            "latch_building",
            "Latch building",
            "latch_user",
            None,
            "latch_access",
            is_group_based=False,
            methods=_CODE | _PHONE,
            can_suspend=False,
        ),
        Provider(
            "dormakaba_community_site",
            "dormakaba Community site",
            "dormakaba_community_user",
            "dormakaba_community_access_group",
            None,
            methods=_CARD,
        ),
        Provider(
            "dormakaba_ambiance_site",
            "dormakaba Ambiance site",
            None,
            "dormakaba_ambiance_access_group",
            "dormakaba_ambiance_credential",
            methods=_CARD,
            can_suspend=False,
        ),
        Provider(
            "legic_connect_credential_service",
            "LEGIC Connect",
            None,
            None,
            None,
            is_group_based=False,
            methods=frozenset(),
            can_suspend=False,
        ),
        Provider(
            "assa_abloy_vostio",
            "ASSA ABLOY Vostio",
            None,
            None,
            "assa_abloy_vostio_key",
            is_group_based=False,
            methods=_CARD,
            can_suspend=False,
        ),
        Provider(
            "assa_abloy_vostio_credential_service",
            "ASSA ABLOY Vostio Credential Service",
            None,
            None,
            None,
            is_group_based=False,
            methods=frozenset(),
            can_suspend=False,
        ),
        Provider(
            "hotek_site",
            "Hotek site",
            None,
            None,
            "hotek_card",
            is_group_based=False,
            methods=_CARD,
            can_suspend=False,
        ),
        Provider(
            "kisi_organization",
            "Kisi organization",
            "kisi_user",
            "kisi_access_group",
            "kisi_credential",
            methods=_CARD,
        ),
    )
}


def display_name(external_type: str) -> str:
    """How people call a type of objects: salto_ks_credential is a "Salto ks credential"."""
    words = external_type.replace("_", " ")
    return words[0].upper() + words[1:]


def _enum(*values: str | None) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"enum": [value for value in values if value]})


SystemType = Annotated[str, _enum(*PROVIDERS)]
UserType = Annotated[str, _enum(*(each.user_type for each in PROVIDERS.values()))]
GroupType = Annotated[str, _enum(*(each.group_type for each in PROVIDERS.values()))]
CredentialType = Annotated[str, _enum(*(each.credential_type for each in PROVIDERS.values()))]
