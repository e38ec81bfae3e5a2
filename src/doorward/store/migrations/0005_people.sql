-- People, groups, credentials and identities, complete: what the API changes, and what it shows of
-- changes that the doors have still to confirm.

-- What another system runs and we only know of is unmanaged: shown under /unmanaged alone, and
-- never changed.
alter table acs_user add column is_managed boolean not null default true;
alter table acs_access_group add column is_managed boolean not null default true;
alter table acs_credential add column is_managed boolean not null default true;
alter table user_identity add column is_managed boolean not null default true;

-- Lists of identities are ordered as all lists are.
create index user_identity_in_order on user_identity (workspace_id, created_at, user_identity_id);

-- Entrances that a person may open beside groups and credentials, with tombstones as those of
-- access_group_entrance (/acs/entrances/grant_access).
create table user_entrance (
  workspace_id uuid not null,
  acs_user_id uuid not null,
  acs_entrance_id uuid not null,
  is_desired boolean not null,
  is_unconfirmed boolean not null,
  revision bigint not null,
  changed_at timestamptz not null,
  primary key (workspace_id, acs_user_id, acs_entrance_id),
  foreign key (workspace_id, acs_user_id) references acs_user,
  foreign key (workspace_id, acs_entrance_id) references acs_entrance
);
create index user_entrance_of_entrance on user_entrance (workspace_id, acs_entrance_id);
create index user_entrance_unconfirmed
  on user_entrance (workspace_id, acs_user_id, acs_entrance_id) where is_unconfirmed;

-- What changed about a person, group or credential itself and some controller of its system has
-- not confirmed: `before` is what the doors may still go by. A row stays until all of them have
-- confirmed `revision`; a further change meanwhile keeps `before`. object_id: the credential that
-- was given or taken, else all zeros. Small, however many people there are.
create table pending_change (
  workspace_id uuid not null references workspace,
  subject_id uuid not null,
  what text not null check (what in ('suspension', 'access_schedule', 'credential')),
  object_id uuid not null,
  acs_system_id uuid not null,
  revision bigint not null,
  changed_at timestamptz not null,
  before jsonb not null,
  after jsonb not null,
  primary key (workspace_id, subject_id, what, object_id)
);

-- state_changed_*: who set the state, when and why. use_limit: how often it may open a door, null
-- without limit; uses: how often it has, by the controller that saw it, so that counts of several
-- controllers add up however late and however often they are handed in. code_length: of a code, in
-- the clear, so that the odds of guessing one are known without opening seals.
alter table acs_credential
  add column state_changed_at timestamptz,
  add column state_changed_by text,
  add column state_reason text,
  add column use_limit integer check (use_limit > 0),
  add column uses jsonb not null default '{}',
  add column code_length smallint,
  drop constraint acs_credential_access_method_check,
  add constraint acs_credential_access_method_check
    check (access_method in ('card', 'code', 'cloud_key'));

-- A momentary command and what became of it. `ends_at` is real time: whatever is pending beyond it
-- has failed, whether a server was there to say so or not.
create table action_attempt (
  workspace_id uuid not null references workspace,
  action_attempt_id uuid not null,
  action_type text not null,
  status text not null check (status in ('pending', 'success', 'error')),
  result jsonb,
  error jsonb,
  acs_system_id uuid,
  acs_entrance_id uuid,
  acs_credential_id uuid,
  user_identity_id uuid,
  actor text not null,
  created_at timestamptz not null,
  ends_at timestamptz not null,
  primary key (workspace_id, action_attempt_id),
  check ((status = 'success') = (result is not null)),
  check ((status = 'error') = (error is not null))
);
create index action_attempt_in_order
  on action_attempt (workspace_id, created_at, action_attempt_id);
create index action_attempt_pending on action_attempt (ends_at) where status = 'pending';

-- Times that are no instants cannot be shown. A start and an end without a limit are none; what
-- never begins and what was over from the first keeps to the first and the last day of the calendar.
do $$
declare
  v_table text;
begin
  foreach v_table in array array['acs_access_group', 'acs_user', 'acs_credential'] loop
    execute format($f$
      update %I set
        starts_at = case starts_at when '-infinity' then null when 'infinity' then '9998-12-31Z'
          else starts_at end,
        ends_at = case ends_at when 'infinity' then null when '-infinity' then '1970-01-01Z'
          else ends_at end
        where not (isfinite(starts_at) and isfinite(ends_at))$f$, v_table);
    execute format('alter table %I add check (isfinite(starts_at)), add check (isfinite(ends_at))',
      v_table);
  end loop;
end $$;
update client_session set expires_at = '9998-12-31Z' where expires_at = 'infinity';
alter table client_session add check (isfinite(expires_at));
alter table token add check (isfinite(expires_at));
