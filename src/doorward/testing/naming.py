"""What the names of a site file stand for, in the form in which processes tell each other."""

from doorward.policy.cards import CardNumber
from doorward.site.model import Site

Names = dict[str, dict[str, str]]


def names_of(site: Site) -> Names:
    """The id of each object by its key in the file; the numbers of cards and codes likewise."""
    credentials = site.credentials.items()
    return {
        "systems": {key: str(each.acs_system_id) for key, each in site.systems.items()},
        "controllers": {key: str(each.controller_id) for key, each in site.controllers.items()},
        "entrances": {key: str(each.acs_entrance_id) for key, each in site.entrances.items()},
        "access_groups": {
            key: str(each.acs_access_group_id) for key, each in site.access_groups.items()
        },
        "identities": {key: str(each.user_identity_id) for key, each in site.identities.items()},
        "users": {key: str(each.acs_user_id) for key, each in site.users.items()},
        "credentials": {key: str(each.acs_credential_id) for key, each in credentials},
        "cards": {
            key: each.number.text
            for key, each in credentials
            if isinstance(each.number, CardNumber)
        },
        "codes": {
            key: each.number.text
            for key, each in credentials
            if not isinstance(each.number, CardNumber)
        },
    }
