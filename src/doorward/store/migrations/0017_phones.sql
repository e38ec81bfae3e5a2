-- Phones of people across access systems: simulated ones, in sandbox workspaces.

-- A phone that is deactivated has no row any more. What it told of itself when it was set up stays
-- as it was told: phone_metadata of the device, assa_abloy_metadata of its endpoint.
create table phone (
  workspace_id uuid not null,
  device_id uuid not null,
  user_identity_id uuid not null,
  device_type text not null check (device_type in ('ios_phone', 'android_phone')),
  display_name text not null,
  custom_sdk_installation_id text,
  phone_metadata jsonb not null,
  assa_abloy_metadata jsonb not null,
  created_at timestamptz not null,
  primary key (workspace_id, device_id),
  foreign key (workspace_id, user_identity_id) references user_identity
);
create index phone_in_order on phone (workspace_id, created_at, device_id);
create index phone_of_identity on phone (workspace_id, user_identity_id, created_at, device_id);
-- An app is installed on one phone.
create unique index phone_by_installation on phone (workspace_id, custom_sdk_installation_id);

-- What of an account callers can change. disconnected_at: since when it is made to seem out of reach,
-- which only a sandbox workspace's can be.
alter table connected_account
  add column accepted_capabilities text[] not null default '{access_control}',
  add column disconnected_at timestamptz;

-- The site file that a sandbox workspace was brought to last, sealed, for it tells names and numbers:
-- what a reset sets the workspace back to.
create table site_file (
  workspace_id uuid primary key references workspace,
  sealed bytea not null,
  applied_at timestamptz not null
);
