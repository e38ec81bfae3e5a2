"""Searching as the API's `search` parameter does: part of a text, or the beginning of an id."""

import re
from typing import Final
from uuid import UUID

from doorward.store.personal import term_grams
from doorward.store.select import Select

_MIN_ID_DIGITS: Final = 4

# {0}: the term's grams, {1}: the term. The grams find the rows, the comparison decides.
_USERS: Final = """u.acs_user_id in (
    select p.subject_id from personal p
      where p.workspace_id = $1 and p.acs_system_id is not null and p.grams @> {0}::text[]
        and {about_user}
    union all
    select x.acs_user_id from personal p
      join acs_user x on x.workspace_id = p.workspace_id and x.user_identity_id = p.subject_id
      where p.workspace_id = $1 and p.acs_system_id is null and p.grams @> {0}::text[]
        and {about_identity}{by_id})"""

# {2} and {3}: the first and the last id that begins so.
_USERS_BY_ID: Final = """
    union all
    select x.acs_user_id from acs_user x
      where x.workspace_id = $1 and x.acs_user_id between {2} and {3}
    union all
    select x.acs_user_id from acs_user x
      where x.workspace_id = $1 and x.user_identity_id between {2} and {3}"""


def plain(term: str) -> str:
    """A term as it is looked for: without blanks around it, runs of white space as one blank."""
    return " ".join(term.split())


def contains(text: str, term: str) -> str:
    """A condition: the SQL expression `text` contains the SQL expression `term`, in any case."""
    return rf"strpos(lower(regexp_replace({text}, '\s+', ' ', 'g')), lower({term})) > 0"


def id_range(term: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begins with a term of 4 hexadecimal digits or more."""
    digits = plain(term).lower().replace("-", "")
    if not re.fullmatch(rf"[0-9a-f]{{{_MIN_ID_DIGITS},32}}", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def where_matches(select: Select, term: str | None, texts: str, id_column: str) -> None:
    """Adds the search over a small table: in the SQL expression `texts`, or in the id."""
    if term is None:
        return
    found = contains(texts, "{0}")
    ids = id_range(term)
    if ids is None:
        select.where(found, plain(term))
    else:
        select.where(f"{found} or {id_column} between {{1}} and {{2}}", plain(term), *ids)


def where_user_matches(select: Select, workspace_id: UUID, term: str | None) -> None:
    """Adds the search for people `u`, by name, e-mail, phone and id, their identity's too."""
    if term is None:
        return
    ids = id_range(term)
    condition = _USERS.format(
        "{0}",
        about_user=contains(_joined("p.full_name", "p.email_address", "p.phone_number"), "{1}"),
        about_identity=contains(_joined("p.full_name", "p.phone_number"), "{1}"),
        by_id="" if ids is None else _USERS_BY_ID,
    )
    select.where(condition, term_grams(workspace_id, term), plain(term), *(ids or ()))


def _joined(*columns: str) -> str:
    """Several columns as one text, so that no match runs from one into the next."""
    return f"concat_ws(chr(31), {', '.join(columns)})"
