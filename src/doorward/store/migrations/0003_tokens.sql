-- Every kind of token: what each may beside its workspace's own calls, when it ends, and the
-- sessions of end users. All of it by real time.

-- scopes: "doors" opens /doorward/*, "metrics" opens /metrics.
alter table token
  add scopes text[] not null default '{}',
  add expires_at timestamptz,
  drop constraint token_kind_check,
  add check (kind in ('api_key', 'personal_access_token', 'console_session'));

-- Until now every token could call /doorward/*; an API key has to be given that from now on.
update token set scopes = '{doors}' where kind = 'personal_access_token' or is_published;
update site_object set declared = declared || '{"scopes": ["doors"]}' where kind = 'token';

-- Whether a web page may make client sessions with the publishable key, which anybody can read.
alter table workspace add is_publishable_key_auth_enabled boolean not null default false;
update workspace set is_publishable_key_auth_enabled = is_sandbox;
create index workspace_by_publishable_key on workspace (publishable_key);
create trigger workspace_changed after update on workspace for each row
  when ((old.publishable_key, old.is_publishable_key_auth_enabled)
    is distinct from (new.publishable_key, new.is_publishable_key_auth_enabled))
  execute function bump_token_generation();

-- An end user's access to the API, narrowed to accounts, a person or a customer. The token is kept
-- sealed beside its sha256, because the API shows it again. A deleted session has no row.
create table client_session (
  workspace_id uuid not null references workspace,
  client_session_id uuid not null,
  hash bytea not null unique,
  sealed bytea not null,
  user_identifier_key text,
  connected_account_ids uuid[] not null,
  connect_webview_ids uuid[] not null default '{}',
  user_identity_id uuid,
  customer_key text,
  is_read_only boolean not null default false,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  primary key (workspace_id, client_session_id),
  foreign key (workspace_id, user_identity_id) references user_identity on delete cascade,
  check (not is_read_only or customer_key is not null)
);
create index client_session_in_order
  on client_session (workspace_id, created_at, client_session_id);
create index client_session_of_identity on client_session (workspace_id, user_identity_id);
-- One user has at most one session that has not been ended; an expired one is ended by the next.
create unique index client_session_of_user on client_session (workspace_id, user_identifier_key)
  where revoked_at is null;
-- A new session is in no process's memory yet, and most updates change nothing.
create trigger client_session_changed after update on client_session for each row
  when (old is distinct from new) execute function bump_token_generation();
create trigger client_session_deleted after delete on client_session for each row
  execute function bump_token_generation();
