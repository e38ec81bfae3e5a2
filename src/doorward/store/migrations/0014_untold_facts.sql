-- Many people at once, without keeping others waiting.

-- Facts of which the journal has still to be told, in their order: written in the transaction that
-- made the people, credentials and memberships that they are about, so that none of them is lost,
-- whoever dies. A membership's revision is the greatest bigint until then: nobody confirms that.
create table untold_fact (
  workspace_id uuid not null,
  place bigint generated always as identity,
  actor text not null,
  recorded_at timestamptz not null,
  acs_system_id uuid not null,
  kind text not null check (kind in ('user', 'credential', 'membership')),
  key_a uuid not null,
  key_b uuid not null,
  state jsonb not null,
  personal_hash bytea,
  primary key (workspace_id, place)
);

-- Tells the journal of the next p_most facts of one load, or of fewer; returns how many were looked
-- at, 0 where none is left. What has been changed or taken away since it was written is left out: the
-- journal has heard of that already, and must not hear what was before after it. Under the counter's
-- lock, as every change of policy.
create function tell_facts(p_workspace uuid, p_most integer) returns integer language plpgsql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
  v_actor text;
  v_at timestamptz;
  v_last bigint;
  v_taken integer;
  v_first bigint;
  v_system uuid[];
  v_kind text[];
  v_a uuid[];
  v_b uuid[];
  v_state jsonb[];
  v_hash bytea[];
begin
  perform from policy_revision r where r.workspace_id = p_workspace for update;
  select u.actor, u.recorded_at into v_actor, v_at from untold_fact u
    where u.workspace_id = p_workspace order by u.place limit 1;
  select max(place) into v_last from (
    select u.place from untold_fact u
    where u.workspace_id = p_workspace order by u.place limit p_most) next;
  with taken as materialized (
    delete from untold_fact u where u.workspace_id = p_workspace and u.place <= v_last
      and u.actor = v_actor and u.recorded_at = v_at
    returning u.*
  ), told as (
    select t.* from taken t where case t.kind
      when 'user' then exists (
          select from acs_user o where o.workspace_id = p_workspace and o.acs_user_id = t.key_a)
        and not exists (
          select from policy_fact f where f.workspace_id = p_workspace and f.kind = 'user'
            and f.key_a = t.key_a)
      when 'credential' then exists (
          select from acs_credential o where o.workspace_id = p_workspace
            and o.acs_credential_id = t.key_a
            and coalesce(o.acs_user_id, '00000000-0000-0000-0000-000000000000') = t.key_b)
        and not exists (
          select from policy_fact f where f.workspace_id = p_workspace and f.kind = 'credential'
            and f.key_a = t.key_a)
      else exists (
          select from acs_membership o where o.workspace_id = p_workspace
            and o.acs_access_group_id = t.key_a and o.acs_user_id = t.key_b and o.is_desired)
        and not exists (
          select from policy_fact f where f.workspace_id = p_workspace and f.kind = 'membership'
            and f.key_a = t.key_a and f.key_b = t.key_b)
      end
  )
  select (select count(*) from taken), array_agg(t.acs_system_id order by t.place),
      array_agg(t.kind order by t.place), array_agg(t.key_a order by t.place),
      array_agg(t.key_b order by t.place), array_agg(t.state order by t.place),
      array_agg(t.personal_hash order by t.place)
    into v_taken, v_system, v_kind, v_a, v_b, v_state, v_hash from told t;
  if v_kind is null then
    return v_taken;
  end if;
  v_first := record_changes(p_workspace, v_actor, v_at, true, v_system, v_kind, v_a, v_b, v_state,
    v_hash);
  update acs_membership m set revision = v_first + e.n - 1
    from unnest(v_kind, v_a, v_b) with ordinality as e (kind, a, b, n)
    where e.kind = 'membership' and m.workspace_id = p_workspace
      and m.acs_access_group_id = e.a and m.acs_user_id = e.b;
  return v_taken;
end $$;
