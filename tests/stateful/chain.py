"""The journal as a whole: its chain of hashes, computed again from what DESIGN.md says of it."""

import hashlib
from itertools import pairwise

from tests.stateful.model import Model
from tests.stateful.site import Site

_JOURNAL = """
select workspace_id::text, epoch::text, revision, extract(epoch from recorded_at)::text at, actor,
  acs_system_id::text, kind, key_a::text, key_b::text, coalesce(state::text, '-') state,
  coalesce(personal_hash, '') personal, previous_hash, entry_hash
from policy_journal order by revision"""


def check(site: Site, model: Model) -> None:
    """No entry is missing, changed or out of order, and people's values are what is hashed."""
    entries = site.rows(_JOURNAL)
    for before, entry in pairwise(entries):
        assert entry["revision"] == before["revision"] + 1
        assert entry["previous_hash"] == before["entry_hash"]
    for e in entries:
        said = (
            *(e["workspace_id"], e["epoch"], str(e["revision"]), e["at"], e["actor"]),
            *(e["acs_system_id"], e["kind"], e["key_a"], e["key_b"], e["state"]),
        )
        hashed = e["previous_hash"] + e["personal"] + "|".join(said).encode()
        assert hashlib.sha256(hashed).digest() == e["entry_hash"], dict(e)
    [counter] = site.rows("select revision, last_hash from policy_revision")
    assert (counter["revision"], counter["last_hash"]) == (
        entries[-1]["revision"],
        entries[-1]["entry_hash"],
    )
    _check_values(site, model, {e["key_a"]: e["personal"] for e in entries if e["kind"] == "user"})


def _check_values(site: Site, model: Model, newest: dict[str, bytes]) -> None:
    salts = site.rows("select subject_id::text, salt from personal where acs_system_id is not null")
    found = {row["subject_id"]: row["salt"] for row in salts}
    for id_, person in model.people.items():
        hashed = hashlib.sha256(found[id_])
        for value in person.values:
            encoded = (value or "").encode()
            hashed.update(len(encoded).to_bytes(4, "big") + encoded)
        assert newest[id_] == hashed.digest(), id_
    assert not found.keys() & {id_ for kind, id_ in model.gone if kind == "acs_user"}
