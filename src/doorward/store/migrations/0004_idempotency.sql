-- What a creating call answered under its Idempotency-Key, so that asking again creates nothing
-- more. Written in the transaction that creates; real time, not the workspace's.
create table idempotent_answer (
  -- All zeros for a call about no workspace in particular.
  workspace_id uuid not null,
  token_id uuid not null,
  -- Keyed: callers put names and addresses into their keys.
  key_hash bytea not null,
  -- What was asked and what was answered; both may hold secrets.
  sealed bytea not null,
  expires_at timestamptz not null,
  primary key (workspace_id, token_id, key_hash)
);
create index idempotent_answer_by_expiry on idempotent_answer (expires_at);
