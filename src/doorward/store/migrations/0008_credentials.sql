-- Credentials: whose code is whose at an entrance, names to search, cards learnt at readers.

-- Every name that credentials have, once: most are called alike, so that a search over the names
-- stays small however many credentials there are. grams: as those of personal, of the lower-cased
-- name.
create table credential_name (
  workspace_id uuid not null references workspace,
  display_name text not null,
  grams text[] not null,
  primary key (workspace_id, display_name)
);
create index credential_name_grams on credential_name using gin (grams);
create index acs_credential_by_name
  on acs_credential (workspace_id, display_name, acs_credential_id);

-- The distinct grams of a text, prefixed with the workspace: pieces of p_sizes characters.
create function name_grams(p_workspace uuid, p_text text, p_sizes integer[]) returns text[]
language sql immutable as $$
  select array(
    select distinct left(p_workspace::text, 8) || substr(p_text, first, size)
    from unnest(p_sizes) size, generate_series(1, length(p_text) - size + 1) first
    order by 1)
$$;

-- The grams that a name must have to contain a term: only the longest ones say anything.
create function term_grams(p_workspace uuid, p_term text) returns text[]
language sql immutable as $$
  select name_grams(p_workspace, p_term, array[greatest(1, least(3, length(p_term)))])
$$;

-- Whoever writes credentials, many or one: their names are kept, and forgotten with the last one.
create function keep_credential_names() returns trigger language plpgsql as $$
begin
  insert into credential_name
    select n.workspace_id, n.display_name,
      name_grams(n.workspace_id, lower(n.display_name), array[1, 2, 3])
    from (select distinct workspace_id, display_name from written) n
    on conflict do nothing;
  return null;
end $$;
create function forget_credential_names() returns trigger language plpgsql as $$
begin
  delete from credential_name n using (select distinct workspace_id, display_name from gone) g
    where n.workspace_id = g.workspace_id and n.display_name = g.display_name
      and not exists (select from acs_credential c where c.workspace_id = g.workspace_id
        and c.display_name = g.display_name);
  return null;
end $$;
create trigger credential_made after insert on acs_credential
  referencing new table as written for each statement execute function keep_credential_names();
create trigger credential_deleted after delete on acs_credential
  referencing old table as gone for each statement execute function forget_credential_names();
-- A trigger with a transition table cannot be for one column; most updates change no name.
create function rename_credential() returns trigger language plpgsql as $$
begin
  insert into credential_name values (new.workspace_id, new.display_name,
    name_grams(new.workspace_id, lower(new.display_name), array[1, 2, 3])) on conflict do nothing;
  delete from credential_name n
    where n.workspace_id = old.workspace_id and n.display_name = old.display_name
      and not exists (select from acs_credential c where c.workspace_id = old.workspace_id
        and c.display_name = old.display_name);
  return null;
end $$;
create trigger credential_renamed after update of display_name on acs_credential for each row
  when (old.display_name <> new.display_name) execute function rename_credential();
insert into credential_name
  select c.workspace_id, c.display_name,
    name_grams(c.workspace_id, lower(c.display_name), array[1, 2, 3])
  from (select distinct workspace_id, display_name from acs_credential) c;

-- Every entrance that a person with a credential opens, whenever: windows, states and suspension
-- are left aside, so that no passing of time makes two equal codes meet at a door.
create function reach_of(p_workspace uuid, p_user uuid, p_credential uuid) returns uuid[]
language plpgsql stable as $$
begin
  return array(
    select o.acs_entrance_id from acs_membership m
      join access_group_entrance o on o.workspace_id = m.workspace_id
        and o.acs_access_group_id = m.acs_access_group_id
      where m.workspace_id = p_workspace and m.acs_user_id = p_user and m.is_desired
        and o.is_desired
    union all
    select g.acs_entrance_id from user_entrance g
      where g.workspace_id = p_workspace and g.acs_user_id = p_user and g.is_desired
    union all
    select k.acs_entrance_id from credential_entrance k
      where k.workspace_id = p_workspace and k.acs_credential_id = p_credential
        and k.is_desired);
end $$;

-- Whether another credential with the same code opens one of these entrances, or is the same
-- person's: a door could not tell the two apart. Reads the credentials of this one code.
create function is_code_taken(
  p_workspace uuid, p_lookup bytea, p_credential uuid, p_user uuid, p_entrances uuid[]
) returns boolean language plpgsql stable as $$
begin
  return exists (
    select from acs_credential c
    where c.workspace_id = p_workspace and c.lookup = p_lookup and c.access_method = 'code'
      and c.acs_credential_id <> p_credential
      and (c.acs_user_id = p_user
        or p_entrances && reach_of(c.workspace_id, c.acs_user_id, c.acs_credential_id)));
end $$;

-- As in the first migration, and: whose code another one has who opens one of the group's
-- entrances is not added ('code_taken'); what is unmanaged is not found.
create or replace function change_memberships(
  p_at timestamptz[], p_actor text[], p_workspace uuid[], p_is_add boolean[], p_group uuid[],
  p_user uuid[], p_identity uuid[]
) returns table (status text, revision bigint, acs_user_id uuid) language plpgsql as $$
#variable_conflict use_column
declare
  v_group_system uuid;
  v_user_system uuid;
  v_user uuid;
  v_status text;
  v_revision bigint;
begin
  perform 1 from policy_revision r where r.workspace_id = any (p_workspace)
    order by r.workspace_id for update;
  for i in 1 .. coalesce(array_length(p_workspace, 1), 0) loop
    v_revision := null;
    v_user := p_user[i];
    v_user_system := null;
    select g.acs_system_id into v_group_system from acs_access_group g
      where g.workspace_id = p_workspace[i] and g.acs_access_group_id = p_group[i]
        and g.is_managed;
    if v_user is not null then
      select u.acs_system_id into v_user_system from acs_user u
        where u.workspace_id = p_workspace[i] and u.acs_user_id = p_user[i] and u.is_managed;
    else
      select u.acs_user_id, u.acs_system_id into v_user, v_user_system from acs_user u
        where u.workspace_id = p_workspace[i] and u.user_identity_id = p_identity[i]
          and u.acs_system_id = v_group_system and u.is_managed;
    end if;
    v_status := case
      when p_user[i] is not null and v_user_system is null then 'acs_user_not_found'
      when p_user[i] is null and v_user is null and not exists (
        select from user_identity n where n.workspace_id = p_workspace[i]
          and n.user_identity_id = p_identity[i] and n.is_managed) then 'user_identity_not_found'
      when v_group_system is null then 'acs_access_group_not_found'
      when v_user is null then 'no_user_in_system'
      when v_user_system <> v_group_system then 'different_systems'
      when p_is_add[i] = exists (
        select from acs_membership m where m.workspace_id = p_workspace[i]
          and m.acs_access_group_id = p_group[i] and m.acs_user_id = v_user and m.is_desired)
        then 'unchanged'
      when p_is_add[i] and exists (
        select from acs_credential c where c.workspace_id = p_workspace[i]
          and c.acs_user_id = v_user and c.access_method = 'code' and c.lookup is not null
          and is_code_taken(c.workspace_id, c.lookup, c.acs_credential_id, v_user, array(
            select o.acs_entrance_id from access_group_entrance o
            where o.workspace_id = p_workspace[i] and o.acs_access_group_id = p_group[i]
              and o.is_desired))) then 'code_taken'
      else 'changed' end;
    if v_status = 'unchanged' then
      select m.revision into v_revision from acs_membership m
        where m.workspace_id = p_workspace[i] and m.acs_access_group_id = p_group[i]
          and m.acs_user_id = v_user and m.is_unconfirmed;
    elsif v_status = 'changed' then
      v_revision := record_change(p_workspace[i], v_group_system, 'membership', p_group[i],
        v_user, case when p_is_add[i] then '{}'::jsonb end, p_actor[i], p_at[i]);
      insert into acs_membership values (p_workspace[i], p_group[i], v_user, p_is_add[i], true,
          v_revision, p_at[i], p_at[i])
        on conflict (workspace_id, acs_access_group_id, acs_user_id) do update
        set is_desired = excluded.is_desired, is_unconfirmed = true, revision = excluded.revision,
            changed_at = excluded.changed_at,
            created_at = case when excluded.is_desired then excluded.created_at
                              else acs_membership.created_at end;
    end if;
    status := v_status;
    revision := v_revision;
    acs_user_id := v_user;
    return next;
  end loop;
end $$;

-- A card that is to be learnt at a reader, in real time. The process that waits for it writes down
-- what came of it. Where it can no longer (the entrance's controller has another lease, or the end
-- is long past), it has stopped waiting. Kept for a day.
create table credential_enrollment (
  workspace_id uuid not null,
  enrollment_id uuid not null,
  acs_credential_id uuid not null,
  acs_entrance_id uuid not null,
  reader_id uuid,
  lease_generation bigint not null,
  status text not null
    check (status in ('waiting', 'succeeded', 'failed', 'cancelled', 'expired')),
  error jsonb,
  created_at timestamptz not null,
  ends_at timestamptz not null,
  ended_at timestamptz,
  primary key (workspace_id, enrollment_id),
  foreign key (workspace_id, acs_credential_id) references acs_credential on delete cascade,
  foreign key (workspace_id, acs_entrance_id) references acs_entrance on delete cascade,
  check ((status = 'waiting') = (ended_at is null)),
  check ((error is null) = (status in ('waiting', 'succeeded')))
);
create index credential_enrollment_of_credential
  on credential_enrollment (workspace_id, acs_credential_id);
create index credential_enrollment_of_entrance
  on credential_enrollment (workspace_id, acs_entrance_id);
create index credential_enrollment_by_age on credential_enrollment (created_at);
