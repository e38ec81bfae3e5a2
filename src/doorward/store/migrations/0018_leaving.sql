-- What was deleted of a system with a list of its own stays to be seen until that system has let it go:
-- nobody's, no longer managed, without its number. Nothing else refers to it.
alter table acs_user add column deleted_at timestamptz;
alter table acs_access_group add column deleted_at timestamptz;
alter table acs_credential add column deleted_at timestamptz;

-- Whether a system has taken an object is told by external_object alone.
delete from pending_change where what = 'creating';
alter table pending_change
  drop constraint pending_change_what_check,
  add constraint pending_change_what_check check (what in ('suspension', 'access_schedule',
    'credential', 'user_information'));
