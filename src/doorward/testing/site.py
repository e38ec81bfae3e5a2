"""The ids of what a site file declares, by the names that it has there."""

from collections.abc import Mapping
from difflib import get_close_matches


class Named(dict[str, str]):
    """The objects of one kind: name to id."""

    def __init__(self, kind: str, names: Mapping[str, str]) -> None:
        super().__init__(names)
        self._kind = kind

    def __missing__(self, name: str) -> str:
        near = get_close_matches(name, self, 3) or list(self)[:10]
        listed = ", ".join(near) or "none at all"
        raise KeyError(f"the site has no {name!r} among its {self._kind}; it has {listed}")


class Site:
    """What a site file declares.

    `site.users["jane"]` is an id, `site.cards["jane/badge"]` a number. Credentials, cards and codes
    have the name of their user in front.
    """

    def __init__(self, names: Mapping[str, Mapping[str, str]]) -> None:
        self.systems = Named("systems", names["systems"])
        self.controllers = Named("controllers", names["controllers"])
        self.entrances = Named("entrances", names["entrances"])
        self.access_groups = Named("access_groups", names["access_groups"])
        self.identities = Named("identities", names["identities"])
        self.users = Named("users", names["users"])
        self.credentials = Named("credentials", names["credentials"])
        self.cards = Named("cards", names["cards"])
        self.codes = Named("codes", names["codes"])
        ids = (kind for kind in names if kind not in {"cards", "codes"})
        self._names = {id_: name for kind in ids for name, id_ in names[kind].items()}

    def name_of(self, id_: str) -> str:
        """The name of an object in the file; its id, where it has none there."""
        return self._names.get(id_, id_)
