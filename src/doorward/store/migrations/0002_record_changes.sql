-- What record_change does, for many facts of one workspace, numbered in the order given. The
-- counter is written once: a row written often in one transaction gets slower each time. Each fact
-- may be given once. Returns the revision of the first.
create function record_changes(
  p_workspace uuid, p_actor text, p_at timestamptz, p_system uuid[], p_kind text[], p_a uuid[],
  p_b uuid[], p_state jsonb[], p_personal_hash bytea[]
) returns bigint language plpgsql as $$
declare
  v_first bigint;
  v_epoch integer;
  v_hash bytea;
  v_hashes bytea[];
  v_entry record;
begin
  select r.revision + 1, r.epoch, r.last_hash into strict v_first, v_epoch, v_hash
    from policy_revision r where r.workspace_id = p_workspace for update;
  v_hashes := array[v_hash];
  -- Row by row what no plan over an array of unknown length does well: each hash takes in the one
  -- before, and each fact's version is one look into an index.
  for v_entry in
    select * from unnest(p_system, p_kind, p_a, p_b, p_state, p_personal_hash) with ordinality
      as e (acs_system_id, kind, a, b, state, personal_hash, n) order by n
  loop
    v_hash := journal_hash(v_hash, v_entry.personal_hash, p_workspace, v_epoch,
      v_first + v_entry.n - 1, p_at, p_actor, v_entry.acs_system_id, v_entry.kind, v_entry.a,
      v_entry.b, v_entry.state);
    v_hashes[v_entry.n + 1] := v_hash;
    update policy_fact set to_revision = v_first + v_entry.n - 1
      where workspace_id = p_workspace and kind = v_entry.kind and key_a = v_entry.a
        and key_b = v_entry.b and to_revision is null;
  end loop;
  update policy_revision
    set revision = v_first + cardinality(p_kind) - 1, last_hash = v_hash
    where workspace_id = p_workspace;
  insert into policy_journal
    select p_workspace, v_first + e.n - 1, v_epoch, p_at, p_actor, e.acs_system_id, e.kind, e.a,
      e.b, e.state, e.personal_hash, e.previous, e.this
    from unnest(p_system, p_kind, p_a, p_b, p_state, p_personal_hash,
      v_hashes[:cardinality(p_kind)], v_hashes[2:]) with ordinality
      as e (acs_system_id, kind, a, b, state, personal_hash, previous, this, n);
  insert into policy_fact
    select p_workspace, e.kind, e.a, e.b, e.acs_system_id, v_first + e.n - 1, null, e.state
    from unnest(p_system, p_kind, p_a, p_b, p_state) with ordinality
      as e (acs_system_id, kind, a, b, state, n)
    where e.state is not null;
  return v_first;
end $$;
