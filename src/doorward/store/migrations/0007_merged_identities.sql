-- Identities that turned out to be one person's: what each was called before it was merged away.

-- A merged identity has no row of its own any more. Its id and its key go on naming the identity
-- that it was merged into, at once, however often that one was merged in turn; they go with it.
create table merged_user_identity (
  workspace_id uuid not null,
  merged_user_identity_id uuid not null,
  user_identity_id uuid not null,
  merged_user_identity_key text,
  merged_at timestamptz not null,
  primary key (workspace_id, merged_user_identity_id),
  foreign key (workspace_id, user_identity_id) references user_identity on delete cascade,
  check (merged_user_identity_id <> user_identity_id)
);
-- What an identity was called before is shown with it.
create index merged_user_identity_of_identity
  on merged_user_identity (workspace_id, user_identity_id, merged_at, merged_user_identity_id);
-- A merged key names one identity; the calls see to it that no other identity gets it.
create unique index merged_user_identity_by_key
  on merged_user_identity (workspace_id, merged_user_identity_key);

-- What somebody did under an identity that is merged away becomes the other one's.
create index action_attempt_of_identity on action_attempt (workspace_id, user_identity_id)
  where user_identity_id is not null;

-- Unmanaged identities, few among the managed ones, in the order of their lists.
create index user_identity_unmanaged
  on user_identity (workspace_id, created_at, user_identity_id) where not is_managed;
