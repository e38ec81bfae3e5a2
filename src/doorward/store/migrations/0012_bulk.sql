-- Many people at once.

-- Half of what a bulk load spent in PostgreSQL went into asking for each row whether its workspace
-- is there. The rows of these tables are only ever written beside one that says so: under the
-- journal's counter, or with a person, system or controller, all of which name a workspace; and no
-- workspace is ever deleted.
alter table policy_journal drop constraint policy_journal_workspace_id_fkey;
alter table policy_fact drop constraint policy_fact_workspace_id_fkey;
alter table personal drop constraint personal_workspace_id_fkey;
alter table event drop constraint event_workspace_id_fkey;
alter table site_object drop constraint site_object_workspace_id_fkey;

-- What record_change does, for many facts of one workspace, numbered in the order given. The
-- counter is written once: a row written often in one transaction gets slower each time. Each fact
-- may be given once. p_is_new says that none of them holds now, so that no version is looked for
-- to be closed; policy_fact_current refuses where that is not so. Returns the revision of the first.
drop function record_changes(uuid, text, timestamptz, uuid[], text[], uuid[], uuid[], jsonb[],
  bytea[]);
create function record_changes(
  p_workspace uuid, p_actor text, p_at timestamptz, p_is_new boolean, p_system uuid[],
  p_kind text[], p_a uuid[], p_b uuid[], p_state jsonb[], p_personal_hash bytea[]
) returns bigint language plpgsql as $$
declare
  v_first bigint;
  v_epoch integer;
  v_hash bytea;
  v_hashes bytea[];
  v_rest bytea;
  v_entry record;
begin
  select r.revision + 1, r.epoch, r.last_hash into strict v_first, v_epoch, v_hash
    from policy_revision r where r.workspace_id = p_workspace for update;
  v_hashes := array[v_hash];
  -- Each hash takes in the one before, and is journal_hash: what comes after that in it is made
  -- for all rows at once, which a call for each would take ten times as long for.
  foreach v_rest in array array(
    select coalesce(e.personal_hash, '') || convert_to(concat_ws('|', p_workspace, v_epoch,
      v_first + e.n - 1, extract(epoch from p_at), p_actor, e.acs_system_id, e.kind, e.a, e.b,
      coalesce(e.state::text, '-')), 'UTF8')
    from unnest(p_system, p_kind, p_a, p_b, p_state, p_personal_hash) with ordinality
      as e (acs_system_id, kind, a, b, state, personal_hash, n)
    order by e.n)
  loop
    v_hash := sha256(v_hash || v_rest);
    v_hashes := v_hashes || v_hash;
  end loop;
  if not p_is_new then
    -- Row by row what no plan over an array of unknown length does well: one look into an index.
    for v_entry in
      select * from unnest(p_kind, p_a, p_b) with ordinality as e (kind, a, b, n)
    loop
      update policy_fact set to_revision = v_first + v_entry.n - 1
        where workspace_id = p_workspace and kind = v_entry.kind and key_a = v_entry.a
          and key_b = v_entry.b and to_revision is null;
    end loop;
  end if;
  update policy_revision
    set revision = v_first + cardinality(p_kind) - 1, last_hash = v_hash
    where workspace_id = p_workspace;
  insert into policy_journal
    select p_workspace, v_first + e.n - 1, v_epoch, p_at, p_actor, e.acs_system_id, e.kind, e.a,
      e.b, e.state, e.personal_hash, e.previous, e.this
    from unnest(p_system, p_kind, p_a, p_b, p_state, p_personal_hash,
      v_hashes[:cardinality(p_kind)], v_hashes[2:]) with ordinality
      as e (acs_system_id, kind, a, b, state, personal_hash, previous, this, n);
  -- In the indexes' order, each page of which is then found in one go.
  insert into policy_fact
    select p_workspace, e.kind, e.a, e.b, e.acs_system_id, v_first + e.n - 1, null, e.state
    from unnest(p_system, p_kind, p_a, p_b, p_state) with ordinality
      as e (acs_system_id, kind, a, b, state, n)
    where e.state is not null
    order by e.kind, e.a, e.b;
  return v_first;
end $$;
