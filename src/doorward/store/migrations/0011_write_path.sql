-- The write path at less cost: what a call takes of PostgreSQL, and what the doors need of a commit.

-- Writes the membership changes p_first to p_last of a batch: those that have a hash. Each
-- membership may be there once. The plans are nested loops into indexes, however small the tables
-- were when they were made.
create function write_memberships(
  p_first integer, p_last integer, p_at timestamptz[], p_actor text[], p_workspace uuid[],
  p_is_add boolean[], p_group uuid[], p_user uuid[], p_system uuid[], p_epoch integer[],
  p_revision bigint[], p_previous bytea[], p_hash bytea[]
) returns void language plpgsql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
begin
  insert into policy_journal
    select e.workspace, e.revision, e.epoch, e.at, e.actor, e.system, 'membership', e.a, e.b,
      case when e.is_add then '{}'::jsonb end, null, e.previous, e.hash
    from unnest(p_at[p_first:p_last], p_actor[p_first:p_last], p_workspace[p_first:p_last],
        p_is_add[p_first:p_last], p_group[p_first:p_last], p_user[p_first:p_last],
        p_system[p_first:p_last], p_epoch[p_first:p_last], p_revision[p_first:p_last],
        p_previous[p_first:p_last], p_hash[p_first:p_last])
      as e (at, actor, workspace, is_add, a, b, system, epoch, revision, previous, hash)
    where e.hash is not null;
  update policy_fact f set to_revision = e.revision
    from unnest(p_workspace[p_first:p_last], p_group[p_first:p_last], p_user[p_first:p_last],
        p_revision[p_first:p_last], p_hash[p_first:p_last])
      as e (workspace, a, b, revision, hash)
    where e.hash is not null and f.workspace_id = e.workspace and f.kind = 'membership'
      and f.key_a = e.a and f.key_b = e.b and f.to_revision is null;
  insert into policy_fact
    select e.workspace, 'membership', e.a, e.b, e.system, e.revision, null, '{}'::jsonb
    from unnest(p_workspace[p_first:p_last], p_group[p_first:p_last], p_user[p_first:p_last],
        p_system[p_first:p_last], p_revision[p_first:p_last], p_is_add[p_first:p_last],
        p_hash[p_first:p_last])
      as e (workspace, a, b, system, revision, is_add, hash)
    where e.hash is not null and e.is_add;
  insert into acs_membership
    select e.workspace, e.a, e.b, e.is_add, true, e.revision, e.at, e.at
    from unnest(p_at[p_first:p_last], p_workspace[p_first:p_last], p_is_add[p_first:p_last],
        p_group[p_first:p_last], p_user[p_first:p_last], p_revision[p_first:p_last],
        p_hash[p_first:p_last])
      as e (at, workspace, is_add, a, b, revision, hash)
    where e.hash is not null
    on conflict (workspace_id, acs_access_group_id, acs_user_id) do update
    set is_desired = excluded.is_desired, is_unconfirmed = true, revision = excluded.revision,
        changed_at = excluded.changed_at,
        created_at = case when excluded.is_desired then excluded.created_at
                          else acs_membership.created_at end;
end $$;

-- As before (migration 1), and: whose code another one has who opens one of the group's entrances is
-- not added ('code_taken'); what is unmanaged is not found. Beside each change its entry's place in
-- the journal is answered, so that the doors of the process that commits it need not ask. The
-- counters are written once a batch, and rows for as many calls at a time as do not need to see one
-- another's.
drop function change_memberships(timestamptz[], text[], uuid[], boolean[], uuid[], uuid[], uuid[]);
create function change_memberships(
  p_at timestamptz[], p_actor text[], p_workspace uuid[], p_is_add boolean[], p_group uuid[],
  p_user uuid[], p_identity uuid[]
) returns table (
  status text, revision bigint, acs_user_id uuid, acs_system_id uuid, epoch integer,
  previous_hash bytea, entry_hash bytea
) language plpgsql as $$
#variable_conflict use_column
declare
  -- The counters that are held, by place.
  c_workspace uuid[];
  c_epoch integer[];
  c_revision bigint[];
  c_hash bytea[];
  v_place integer;
  -- What became of each call; a hash says that it changed something.
  v_status text[];
  v_revision bigint[];
  v_user uuid[];
  v_system uuid[];
  v_epoch integer[];
  v_previous bytea[];
  v_hash bytea[];
  -- Calls before this one are in the tables; of the rest, whose memberships change.
  v_first integer := 1;
  v_waiting uuid[] := '{}';
  v_group_system uuid;
  v_user_system uuid;
  v_is_member boolean;
  v_is_unconfirmed boolean;
  v_changed_at bigint;
  -- Every array has a place for every call from the start. One that grew would begin where its first
  -- value is, and what was written and answered of a call would be another's.
  v_calls integer := coalesce(array_length(p_workspace, 1), 0);
  v_every integer[] := array[v_calls];
begin
  v_status := array_fill(null::text, v_every);
  v_revision := array_fill(null::bigint, v_every);
  v_user := array_fill(null::uuid, v_every);
  v_system := array_fill(null::uuid, v_every);
  v_epoch := array_fill(null::integer, v_every);
  v_previous := array_fill(null::bytea, v_every);
  v_hash := array_fill(null::bytea, v_every);
  select array_agg(r.workspace_id), array_agg(r.epoch), array_agg(r.revision),
      array_agg(r.last_hash)
    into c_workspace, c_epoch, c_revision, c_hash
    from (select * from policy_revision r where r.workspace_id = any (p_workspace)
      order by r.workspace_id for update) r;
  for i in 1 .. v_calls loop
    v_user[i] := p_user[i];
    if v_user[i] is null then
      v_user[i] := (select u.acs_user_id from acs_user u
        where u.workspace_id = p_workspace[i] and u.user_identity_id = p_identity[i] and u.is_managed
          and u.acs_system_id = (select g.acs_system_id from acs_access_group g
            where g.workspace_id = p_workspace[i] and g.acs_access_group_id = p_group[i]
              and g.is_managed));
    end if;
    if v_user[i] = any (v_waiting) then
      perform write_memberships(v_first, i - 1, p_at, p_actor, p_workspace, p_is_add, p_group,
        v_user, v_system, v_epoch, v_revision, v_previous, v_hash);
      v_first := i;
      v_waiting := '{}';
    end if;
    select
        (select g.acs_system_id from acs_access_group g where g.workspace_id = p_workspace[i]
          and g.acs_access_group_id = p_group[i] and g.is_managed),
        (select u.acs_system_id from acs_user u where u.workspace_id = p_workspace[i]
          and u.acs_user_id = v_user[i] and u.is_managed),
        coalesce(m.is_desired, false), m.is_unconfirmed, m.revision
      into v_group_system, v_user_system, v_is_member, v_is_unconfirmed, v_changed_at
      from (values (true)) one left join acs_membership m on m.workspace_id = p_workspace[i]
        and m.acs_access_group_id = p_group[i] and m.acs_user_id = v_user[i];
    v_status[i] := case
      when p_user[i] is not null and v_user_system is null then 'acs_user_not_found'
      when p_user[i] is null and v_user[i] is null and not exists (
        select from user_identity n where n.workspace_id = p_workspace[i]
          and n.user_identity_id = p_identity[i] and n.is_managed) then 'user_identity_not_found'
      when v_group_system is null then 'acs_access_group_not_found'
      when v_user[i] is null then 'no_user_in_system'
      when v_user_system <> v_group_system then 'different_systems'
      when p_is_add[i] = v_is_member then 'unchanged'
      else 'changed' end;
    if v_status[i] = 'changed' and p_is_add[i] then
      perform write_memberships(v_first, i - 1, p_at, p_actor, p_workspace, p_is_add, p_group,
        v_user, v_system, v_epoch, v_revision, v_previous, v_hash);
      v_first := i;
      v_waiting := '{}';
      if exists (
        select from acs_credential c where c.workspace_id = p_workspace[i]
          and c.acs_user_id = v_user[i] and c.access_method = 'code' and c.lookup is not null
          and is_code_taken(c.workspace_id, c.lookup, c.acs_credential_id, v_user[i], array(
            select o.acs_entrance_id from access_group_entrance o
            where o.workspace_id = p_workspace[i] and o.acs_access_group_id = p_group[i]
              and o.is_desired))) then
        v_status[i] := 'code_taken';
      end if;
    end if;
    if v_status[i] = 'unchanged' and v_is_unconfirmed then
      v_revision[i] := v_changed_at;
    elsif v_status[i] = 'changed' then
      v_system[i] := v_group_system;
      v_place := array_position(c_workspace, p_workspace[i]);
      c_revision[v_place] := c_revision[v_place] + 1;
      v_previous[i] := c_hash[v_place];
      v_epoch[i] := c_epoch[v_place];
      v_revision[i] := c_revision[v_place];
      v_hash[i] := journal_hash(v_previous[i], null, p_workspace[i], v_epoch[i], v_revision[i],
        p_at[i], p_actor[i], v_system[i], 'membership', p_group[i], v_user[i],
        case when p_is_add[i] then '{}'::jsonb end);
      c_hash[v_place] := v_hash[i];
      v_waiting := v_waiting || v_user[i];
    end if;
  end loop;
  perform write_memberships(v_first, v_calls, p_at, p_actor, p_workspace,
    p_is_add, p_group, v_user, v_system, v_epoch, v_revision, v_previous, v_hash);
  update policy_revision r set revision = c.revision, last_hash = c.hash
    from unnest(c_workspace, c_revision, c_hash) as c (workspace, revision, hash)
    where r.workspace_id = c.workspace and r.revision <> c.revision;
  return query select * from unnest(v_status, v_revision, v_user, v_system, v_epoch, v_previous,
    v_hash);
end $$;
