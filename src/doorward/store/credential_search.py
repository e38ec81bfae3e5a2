"""Searching credentials: by part of the name, by the whole number, by the beginning of an id."""

from typing import Final
from uuid import UUID

from doorward.store import search
from doorward.store.select import Select, Source

# Beyond so many matches, going through all credentials in order finds a page sooner.
_RARE: Final = 5_000

# $2: the term, $3: keyed hashes of the numbers that it can be, $4 to $5: a span of ids. Each part
# reads one index: names are few, and searched by their grams; a credential's own id and its
# owner's begin alike.
_CANDIDATES: Final = f"""
select found.id from (
  (select c.acs_credential_id as id from acs_credential c
    where c.workspace_id = $1 and c.lookup = any ($3::bytea[]) limit {_RARE + 1})
  union all
  (select c.acs_credential_id from credential_name n
    cross join lateral (
      select c.acs_credential_id from acs_credential c
      where c.workspace_id = n.workspace_id and c.display_name = n.display_name
      order by c.acs_credential_id limit {_RARE + 1}
    ) c
    where n.workspace_id = $1 and n.grams @> term_grams($1, lower($2))
      and {search.contains("n.display_name", "$2")} limit {_RARE + 1})
  union all
  (select c.acs_credential_id from acs_credential c
    where c.workspace_id = $1 and c.acs_credential_id between $4 and $5 limit {_RARE + 1})
  union all
  (select c.acs_credential_id from acs_credential c
    where c.workspace_id = $1 and c.acs_user_id between $4 and $5 limit {_RARE + 1})
) found limit {_RARE + 1}"""  # noqa: S608

_AMONG: Final = "c.acs_credential_id = any ({0}::uuid[])"
_MATCHING: Final = f"""{search.contains("c.display_name", "{0}")}
  or c.lookup = any ({{1}}::bytea[])
  or c.acs_credential_id between {{2}} and {{3}} or c.acs_user_id between {{2}} and {{3}}"""


async def where_matches(
    source: Source, select: Select, workspace_id: UUID, term: str, lookups: list[bytes]
) -> None:
    """Adds the search over credentials `c`; lookups: the hashes of the numbers that the term is."""
    # No id lies between the greatest and the smallest.
    first, last = search.id_range(term) or (UUID(int=2**128 - 1), UUID(int=0))
    text = search.plain(term)
    rows = await source.fetch(_CANDIDATES, workspace_id, text, lookups, first, last)
    if len(rows) > _RARE:
        select.where(_MATCHING, text, lookups, first, last)
    else:
        select.where(_AMONG, [row["id"] for row in rows])
