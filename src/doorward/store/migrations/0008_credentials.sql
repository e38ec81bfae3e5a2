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
create unique index credential_enrollment_waiting
  on credential_enrollment (workspace_id, acs_credential_id) where status = 'waiting';
create index credential_enrollment_of_entrance
  on credential_enrollment (workspace_id, acs_entrance_id);
create index credential_enrollment_by_age on credential_enrollment (created_at);
