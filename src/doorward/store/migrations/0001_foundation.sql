-- Doorward's tables. workspace_id leads every tenant table's key, so that isolation is visible in
-- each query and a tenant can be moved to a server of its own. All times are the workspace's
-- clock, but for tokens and leases, which use real time.

-- The master key that sealed what is in here, by a hash of it: with another key no card would be
-- known at any door, so that a server refuses to start.
create table installation (
  is_only boolean primary key default true check (is_only),
  key_check bytea not null
);

-- A tenant, Seam's "workspace". Published sandbox secrets are honoured only where is_sandbox.
create table workspace (
  workspace_id uuid primary key,
  name text not null,
  company_name text not null,
  is_sandbox boolean not null,
  publishable_key text not null,
  created_at timestamptz not null
);

-- The counter that numbers policy changes. A policy transaction locks its row before anything
-- else (several workspaces: in sorted order), so revision order is commit order, without gaps.
-- A restore or a promotion starts a new epoch; a cursor is (epoch, revision).
create table policy_revision (
  workspace_id uuid primary key references workspace,
  epoch integer not null default 1 check (epoch > 0),
  revision bigint not null default 0 check (revision >= 0),
  last_hash bytea not null default ''
) with (fillfactor = 50);

-- One entry for each change of who may open what: who asked, what, when. It holds ids, codes and
-- times, never names, addresses, PINs or card numbers. `state` is the whole fact after the change,
-- null when the fact is gone, so that applying an entry twice, or late, does no harm. The fact's
-- version is the revision of its last change.
create table policy_journal (
  workspace_id uuid not null references workspace,
  revision bigint not null,
  epoch integer not null,
  recorded_at timestamptz not null,
  actor text not null,
  acs_system_id uuid not null,
  kind text not null,
  key_a uuid not null,
  key_b uuid not null,
  state jsonb,
  -- sha256 of the personal values' salt and the values: erasing both leaves the chain whole.
  personal_hash bytea,
  previous_hash bytea not null,
  entry_hash bytea not null,
  primary key (workspace_id, revision)
);

-- The facts themselves with the revisions between which each held: "who could open this then" is
-- an index range. to_revision null: holds now. Kinds and keys: see doorward.policy.facts.
create table policy_fact (
  workspace_id uuid not null references workspace,
  kind text not null,
  key_a uuid not null,
  key_b uuid not null,
  acs_system_id uuid not null,
  from_revision bigint not null,
  to_revision bigint,
  state jsonb not null,
  primary key (workspace_id, kind, key_a, key_b, from_revision),
  check (to_revision > from_revision)
);
-- At most one version of a fact holds now.
create unique index policy_fact_current on policy_fact (workspace_id, kind, key_a, key_b)
  where to_revision is null;
-- The other direction: the groups of a user, the credentials of a user, the groups of an entrance.
create index policy_fact_by_b on policy_fact (workspace_id, kind, key_b, key_a);
-- A controller's slice: everything of its system that holds now.
create index policy_fact_by_system on policy_fact (workspace_id, acs_system_id, kind, key_a, key_b)
  where to_revision is null;

-- An account at a provider. The native system has one of its own, because every resource names one.
create table connected_account (
  workspace_id uuid not null references workspace,
  connected_account_id uuid not null,
  account_type text not null,
  account_type_display_name text not null,
  display_name text not null,
  user_identifier jsonb not null default '{}',
  custom_metadata jsonb not null default '{}',
  customer_key text,
  automatically_manage_new_devices boolean not null default true,
  created_at timestamptz not null,
  primary key (workspace_id, connected_account_id)
);
create index connected_account_in_order
  on connected_account (workspace_id, created_at, connected_account_id);

create table acs_system (
  workspace_id uuid not null,
  acs_system_id uuid not null,
  connected_account_id uuid not null,
  name text not null,
  external_type text not null,
  external_type_display_name text not null,
  time_zone text,
  created_at timestamptz not null,
  primary key (workspace_id, acs_system_id),
  foreign key (workspace_id, connected_account_id) references connected_account
);

-- What decides at the doors. confirmed_* is the newest policy it holds in memory and on disk.
-- The lease keeps two processes from running one; generation fences off whoever lost it.
create table controller (
  workspace_id uuid not null,
  controller_id uuid not null,
  acs_system_id uuid not null,
  name text not null,
  is_held boolean not null default false,
  lease_holder text,
  lease_generation bigint not null default 0,
  lease_until timestamptz,
  confirmed_epoch integer not null default 0,
  confirmed_revision bigint not null default 0,
  last_contact_at timestamptz,
  created_at timestamptz not null,
  primary key (workspace_id, controller_id),
  foreign key (workspace_id, acs_system_id) references acs_system
) with (fillfactor = 50);

create table acs_entrance (
  workspace_id uuid not null,
  acs_entrance_id uuid not null,
  acs_system_id uuid not null,
  controller_id uuid not null,
  display_name text not null,
  is_enabled boolean not null default true,
  -- How long one allowed read leaves the lock open.
  unlock_seconds integer not null check (unlock_seconds between 1 and 600),
  can_unlock_with_card boolean not null,
  can_unlock_with_code boolean not null,
  created_at timestamptz not null,
  primary key (workspace_id, acs_entrance_id),
  foreign key (workspace_id, acs_system_id) references acs_system,
  foreign key (workspace_id, controller_id) references controller
);
create index acs_entrance_in_order on acs_entrance (workspace_id, created_at, acs_entrance_id);
create index acs_entrance_of_system on acs_entrance (workspace_id, acs_system_id, created_at, acs_entrance_id);
create index acs_entrance_of_controller on acs_entrance (workspace_id, controller_id);

create table reader (
  workspace_id uuid not null,
  reader_id uuid not null,
  acs_entrance_id uuid not null,
  name text not null,
  driver text not null,
  direction text not null check (direction in ('entry', 'exit')),
  primary key (workspace_id, reader_id),
  foreign key (workspace_id, acs_entrance_id) references acs_entrance
);
create index reader_of_entrance on reader (workspace_id, acs_entrance_id);

create table acs_access_group (
  workspace_id uuid not null,
  acs_access_group_id uuid not null,
  acs_system_id uuid not null,
  name text not null,
  starts_at timestamptz,
  ends_at timestamptz,
  created_at timestamptz not null,
  primary key (workspace_id, acs_access_group_id),
  foreign key (workspace_id, acs_system_id) references acs_system,
  check (ends_at > starts_at)
);
create index acs_access_group_of_system
  on acs_access_group (workspace_id, acs_system_id, created_at, acs_access_group_id);

create table user_identity (
  workspace_id uuid not null references workspace,
  user_identity_id uuid not null,
  user_identity_key text,
  created_at timestamptz not null,
  primary key (workspace_id, user_identity_id)
);
create unique index user_identity_by_key on user_identity (workspace_id, user_identity_key);

create table acs_user (
  workspace_id uuid not null,
  acs_user_id uuid not null,
  acs_system_id uuid not null,
  user_identity_id uuid,
  is_suspended boolean not null default false,
  starts_at timestamptz,
  ends_at timestamptz,
  created_at timestamptz not null,
  primary key (workspace_id, acs_user_id),
  foreign key (workspace_id, acs_system_id) references acs_system,
  foreign key (workspace_id, user_identity_id) references user_identity,
  check (ends_at > starts_at)
);
create index acs_user_in_order on acs_user (workspace_id, created_at, acs_user_id);
create index acs_user_of_system on acs_user (workspace_id, acs_system_id, created_at, acs_user_id);
-- An identity has at most one user in each system.
create unique index acs_user_of_identity
  on acs_user (workspace_id, user_identity_id, acs_system_id);

-- Personal values apart from everything else, so that they can be erased. acs_system_id is null
-- for a user identity. grams: the 1-, 2- and 3-grams of the searchable text, each prefixed with
-- the workspace (doorward.store.search), so that one index serves all tenants without leaking.
create table personal (
  workspace_id uuid not null references workspace,
  subject_id uuid not null,
  acs_system_id uuid,
  salt bytea not null,
  full_name text,
  email_address text,
  phone_number text,
  grams text[] not null,
  primary key (workspace_id, subject_id)
);
create index personal_grams on personal using gin (grams);
create index personal_by_email on personal (workspace_id, acs_system_id, lower(email_address));
create index personal_by_phone on personal (workspace_id, acs_system_id, phone_number);
-- E-mail and phone are unique among the identities of a workspace.
create unique index personal_identity_email on personal (workspace_id, lower(email_address))
  where acs_system_id is null;
create unique index personal_identity_phone on personal (workspace_id, phone_number)
  where acs_system_id is null;

-- A row that is no longer desired stays as a tombstone until every controller concerned has
-- confirmed `revision`; `is_unconfirmed` is what pending_mutations reads.
create table acs_membership (
  workspace_id uuid not null,
  acs_access_group_id uuid not null,
  acs_user_id uuid not null,
  is_desired boolean not null,
  is_unconfirmed boolean not null,
  revision bigint not null,
  changed_at timestamptz not null,
  created_at timestamptz not null,
  primary key (workspace_id, acs_access_group_id, acs_user_id),
  foreign key (workspace_id, acs_access_group_id) references acs_access_group,
  foreign key (workspace_id, acs_user_id) references acs_user
);
create index acs_membership_of_user
  on acs_membership (workspace_id, acs_user_id, acs_access_group_id);
-- What controllers have still to confirm: small, however many memberships there are.
create index acs_membership_unconfirmed
  on acs_membership (workspace_id, acs_access_group_id, acs_user_id) where is_unconfirmed;

-- The entrances that a group opens, with tombstones as above.
create table access_group_entrance (
  workspace_id uuid not null,
  acs_access_group_id uuid not null,
  acs_entrance_id uuid not null,
  is_desired boolean not null,
  is_unconfirmed boolean not null,
  revision bigint not null,
  changed_at timestamptz not null,
  primary key (workspace_id, acs_access_group_id, acs_entrance_id),
  foreign key (workspace_id, acs_access_group_id) references acs_access_group,
  foreign key (workspace_id, acs_entrance_id) references acs_entrance
);
create index access_group_entrance_of_entrance
  on access_group_entrance (workspace_id, acs_entrance_id);
create index access_group_entrance_unconfirmed
  on access_group_entrance (workspace_id, acs_access_group_id, acs_entrance_id)
  where is_unconfirmed;

create table acs_credential (
  workspace_id uuid not null,
  acs_credential_id uuid not null,
  acs_system_id uuid not null,
  acs_user_id uuid,
  access_method text not null check (access_method in ('card', 'code')),
  display_name text not null,
  state text not null default 'active' check (state in ('active', 'disabled', 'lost', 'stolen')),
  starts_at timestamptz,
  ends_at timestamptz,
  issued_at timestamptz,
  created_at timestamptz not null,
  -- A card is a format and the format's fields; a code is its digits. Both are sealed, and found
  -- by a keyed hash of the whole, never by a part (doorward.store.secrets).
  card_format text check (card_format in ('h10301', 'csn')),
  sealed bytea,
  lookup bytea,
  primary key (workspace_id, acs_credential_id),
  foreign key (workspace_id, acs_system_id) references acs_system,
  foreign key (workspace_id, acs_user_id) references acs_user,
  check ((access_method = 'card') or card_format is null),
  check ((sealed is null) = (lookup is null)),
  check (ends_at > starts_at)
);
create index acs_credential_in_order
  on acs_credential (workspace_id, created_at, acs_credential_id);
create index acs_credential_of_system
  on acs_credential (workspace_id, acs_system_id, created_at, acs_credential_id);
create index acs_credential_of_user
  on acs_credential (workspace_id, acs_user_id, created_at, acs_credential_id);
-- One card, one credential, in each system.
create unique index acs_credential_by_card on acs_credential (workspace_id, acs_system_id, lookup)
  where access_method = 'card';
create index acs_credential_by_lookup on acs_credential (workspace_id, lookup);

-- Entrances that a credential opens by itself, beside its owner's groups.
create table credential_entrance (
  workspace_id uuid not null,
  acs_credential_id uuid not null,
  acs_entrance_id uuid not null,
  is_desired boolean not null,
  is_unconfirmed boolean not null,
  revision bigint not null,
  changed_at timestamptz not null,
  primary key (workspace_id, acs_credential_id, acs_entrance_id),
  foreign key (workspace_id, acs_credential_id) references acs_credential,
  foreign key (workspace_id, acs_entrance_id) references acs_entrance
);
create index credential_entrance_of_entrance
  on credential_entrance (workspace_id, acs_entrance_id);
create index credential_entrance_unconfirmed
  on credential_entrance (workspace_id, acs_credential_id, acs_entrance_id)
  where is_unconfirmed;

-- What happened, as /events shows it. A door hands its events in at least once; event_id makes
-- each count once. subject_ids: every id named in the payload, for the filters.
create table event (
  workspace_id uuid not null references workspace,
  event_id uuid not null,
  event_type text not null,
  occurred_at timestamptz not null,
  created_at timestamptz not null,
  subject_ids uuid[] not null,
  payload jsonb not null,
  primary key (workspace_id, event_id)
);
create index event_in_order on event (workspace_id, created_at, event_id);
create index event_by_type on event (workspace_id, event_type, created_at, event_id);
create index event_by_subject on event using gin (subject_ids);

-- Secrets that callers present, as sha256 of the whole token. workspace_id null: every workspace
-- (a personal access token). is_published: printed in the documentation, honoured on loopback only.
create table token (
  token_id uuid primary key,
  workspace_id uuid references workspace,
  kind text not null check (kind in ('api_key', 'personal_access_token')),
  name text not null,
  hint text not null,
  hash bytea not null unique,
  is_published boolean not null default false,
  created_at timestamptz not null,
  revoked_at timestamptz,
  check (kind <> 'api_key' or workspace_id is not null)
);

-- Grows with every change of a token, so that each process can drop what it remembers of them.
create table token_generation (
  is_only boolean primary key default true check (is_only),
  generation bigint not null default 0
) with (fillfactor = 50);
insert into token_generation default values;

create function bump_token_generation() returns trigger language plpgsql as $$
begin
  update token_generation set generation = generation + 1;
  -- Rare enough to be said inside the transaction.
  notify doorward;
  return null;
end $$;
create trigger token_changed after insert or update or delete on token
  for each statement execute function bump_token_generation();

-- What a site file has declared, by the file's own keys: what is here and gone from the tables
-- was removed through the API (drift), and what is here and gone from the file can be pruned.
create table site_object (
  workspace_id uuid not null references workspace,
  kind text not null,
  key text not null,
  object_ids uuid[] not null,
  declared jsonb not null,
  applied_at timestamptz not null,
  primary key (workspace_id, kind, key)
);

-- The hash of a journal entry: it covers the entry before, who, when, what and to what.
create function journal_hash(
  p_previous bytea, p_personal bytea, p_workspace uuid, p_epoch integer, p_revision bigint,
  p_at timestamptz, p_actor text, p_system uuid, p_kind text, p_a uuid, p_b uuid, p_state jsonb
) returns bytea language sql stable as $$
  select sha256(p_previous || coalesce(p_personal, '') || convert_to(concat_ws('|', p_workspace,
    p_epoch, p_revision, extract(epoch from p_at), p_actor, p_system, p_kind, p_a, p_b,
    coalesce(p_state::text, '-')), 'UTF8'))
$$;

-- Appends one change: takes the next revision, writes the journal entry with its hash, closes the
-- fact's version that held so far and opens the new one. Returns the revision.
create function record_change(
  p_workspace uuid, p_system uuid, p_kind text, p_a uuid, p_b uuid, p_state jsonb,
  p_actor text, p_at timestamptz, p_personal_hash bytea default null
) returns bigint language plpgsql as $$
declare
  v_revision bigint;
  v_epoch integer;
  v_previous bytea;
  v_hash bytea;
begin
  select r.revision + 1, r.epoch, r.last_hash into strict v_revision, v_epoch, v_previous
    from policy_revision r where r.workspace_id = p_workspace for update;
  v_hash := journal_hash(v_previous, p_personal_hash, p_workspace, v_epoch, v_revision, p_at,
    p_actor, p_system, p_kind, p_a, p_b, p_state);
  update policy_revision set revision = v_revision, last_hash = v_hash
    where workspace_id = p_workspace;
  insert into policy_journal values (p_workspace, v_revision, v_epoch, p_at, p_actor, p_system,
    p_kind, p_a, p_b, p_state, p_personal_hash, v_previous, v_hash);
  update policy_fact set to_revision = v_revision
    where workspace_id = p_workspace and kind = p_kind and key_a = p_a and key_b = p_b
      and to_revision is null;
  if p_state is not null then
    insert into policy_fact values (p_workspace, p_kind, p_a, p_b, p_system, v_revision, null,
      p_state);
  end if;
  return v_revision;
end $$;

-- The hot operation, for many calls at once: adds and removes memberships in the order given, each
-- answered by a status of its own and none by an exception. The user is looked for before the
-- group. A call that changes nothing leaves no journal entry; its revision is that of the change it
-- repeats while the doors have still to confirm it, else null.
create function change_memberships(
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
      where g.workspace_id = p_workspace[i] and g.acs_access_group_id = p_group[i];
    if v_user is not null then
      select u.acs_system_id into v_user_system from acs_user u
        where u.workspace_id = p_workspace[i] and u.acs_user_id = p_user[i];
    else
      select u.acs_user_id, u.acs_system_id into v_user, v_user_system from acs_user u
        where u.workspace_id = p_workspace[i] and u.user_identity_id = p_identity[i]
          and u.acs_system_id = v_group_system;
    end if;
    v_status := case
      when p_user[i] is not null and v_user_system is null then 'acs_user_not_found'
      when p_user[i] is null and v_user is null and not exists (
        select from user_identity n where n.workspace_id = p_workspace[i]
          and n.user_identity_id = p_identity[i]) then 'user_identity_not_found'
      when v_group_system is null then 'acs_access_group_not_found'
      when v_user is null then 'no_user_in_system'
      when v_user_system <> v_group_system then 'different_systems'
      when p_is_add[i] = exists (
        select from acs_membership m where m.workspace_id = p_workspace[i]
          and m.acs_access_group_id = p_group[i] and m.acs_user_id = v_user and m.is_desired)
        then 'unchanged'
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
