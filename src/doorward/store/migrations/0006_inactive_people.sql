-- What is shown of people beside what the doors decide by.

-- Since when somebody is suspended, for the warning that says so; null where nobody noted it.
alter table acs_user add column suspended_at timestamptz;

-- Unmanaged people are few among many, and have lists of their own.
create index acs_user_unmanaged on acs_user (workspace_id, created_at, acs_user_id)
  where not is_managed;
