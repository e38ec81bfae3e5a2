-- Access systems that keep lists of their own: what was asked of each, and what it has confirmed.

-- An entrance of such a system has no controller of ours: others decide there.
alter table acs_entrance alter column controller_id drop not null;

-- One process at a time brings a system's list to what is desired: the holder of the lease, in real
-- time. failures counts the looks that failed one after another; the next is due at next_try_at.
create table external_system (
  workspace_id uuid not null,
  acs_system_id uuid not null,
  lease_holder uuid,
  lease_until timestamptz,
  failures integer not null default 0,
  next_try_at timestamptz,
  error_code text,
  error_since timestamptz,
  primary key (workspace_id, acs_system_id),
  foreign key (workspace_id, acs_system_id) references acs_system on delete cascade
);

-- What we have asked a system to keep, as it was asked last: `asked` is a keyed hash of it. Whatever
-- else a system has was made by others. related_id: the group of a membership, else all zeros.
-- confirmed_revision: of the journal, as of which the system was last seen to have it as desired.
-- is_unconfirmed: it differs, or is to go. error_code: why the system does not take it; is_stuck: it
-- says that it does, again and again, and does not.
create table external_object (
  workspace_id uuid not null,
  acs_system_id uuid not null,
  object_id uuid not null,
  related_id uuid not null,
  kind text not null check (kind in ('user', 'group', 'credential', 'membership')),
  asked bytea not null,
  confirmed_revision bigint,
  is_unconfirmed boolean not null default true,
  failures integer not null default 0,
  next_try_at timestamptz,
  error_code text,
  error_since timestamptz,
  is_stuck boolean not null default false,
  primary key (workspace_id, acs_system_id, object_id, related_id, kind),
  foreign key (workspace_id, acs_system_id) references external_system on delete cascade
);
create index external_object_unconfirmed on external_object (workspace_id, acs_system_id)
  where is_unconfirmed;

-- What a simulated system would keep elsewhere: its own list, and how it misbehaves. Nothing but its
-- driver and the calls of /doorward/simulate read or write this.
create table simulated_system (
  workspace_id uuid not null,
  acs_system_id uuid not null,
  latency_ms integer not null default 0 check (latency_ms between 0 and 60000),
  faults jsonb not null default '{}',
  primary key (workspace_id, acs_system_id),
  foreign key (workspace_id, acs_system_id) references acs_system on delete cascade
);
create table simulated_object (
  workspace_id uuid not null,
  acs_system_id uuid not null,
  object_id uuid not null,
  related_id uuid not null,
  kind text not null check (kind in ('user', 'group', 'credential', 'membership')),
  sealed bytea not null,
  primary key (workspace_id, acs_system_id, object_id, related_id, kind),
  foreign key (workspace_id, acs_system_id) references simulated_system on delete cascade
);

-- Also what is asked of systems with lists of their own: people and groups that are new there, and
-- other names and addresses.
alter table pending_change
  drop constraint pending_change_what_check,
  add constraint pending_change_what_check check (what in ('suspension', 'access_schedule',
    'credential', 'creating', 'user_information'));
