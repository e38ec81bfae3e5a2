-- Card encoders, what simulated ones come to next, and results that hold card numbers.

-- acs_credential_id: the card that was last written here, or given to somebody, lies on the
-- encoder still. Its credential may be gone.
create table acs_encoder (
  workspace_id uuid not null,
  acs_encoder_id uuid not null,
  acs_system_id uuid not null,
  display_name text not null,
  acs_credential_id uuid,
  created_at timestamptz not null,
  primary key (workspace_id, acs_encoder_id),
  foreign key (workspace_id, acs_system_id) references acs_system
);
create index acs_encoder_in_order on acs_encoder (workspace_id, created_at, acs_encoder_id);
create index acs_encoder_of_system
  on acs_encoder (workspace_id, acs_system_id, created_at, acs_encoder_id);

-- What the next attempt at a simulated encoder comes to, at most one of each action. The attempt
-- that it holds for takes the row away in the transaction that begins it. acs_credential_id: of
-- encoding, the only credential whose attempt takes it; of scanning, the card that is found.
create table acs_encoder_scenario (
  workspace_id uuid not null,
  acs_encoder_id uuid not null,
  action text not null check (action in ('encode', 'scan')),
  outcome text not null,
  acs_credential_id uuid,
  primary key (workspace_id, acs_encoder_id, action),
  foreign key (workspace_id, acs_encoder_id) references acs_encoder on delete cascade
);

-- A result that tells a card's number is sealed (doorward.store.secrets), and `result` empty.
alter table action_attempt add column sealed bytea check (sealed is null or status = 'success');
