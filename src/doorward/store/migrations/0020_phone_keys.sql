-- Keys on phones, of systems with lists of their own.

-- is_multi_phone_sync_credential: a key that its owner is to have on every phone; nothing that a
-- system would keep. What it keeps are its children, one for each phone: parent_acs_credential_id
-- names the key and device_id the phone, which may be gone when a child is about to follow it.
alter table acs_credential
  drop constraint acs_credential_access_method_check,
  add constraint acs_credential_access_method_check
    check (access_method in ('card', 'code', 'cloud_key', 'mobile_key')),
  add column is_multi_phone_sync_credential boolean not null default false,
  add column parent_acs_credential_id uuid,
  add column device_id uuid,
  add constraint acs_credential_on_phones check (access_method = 'mobile_key'
    or (not is_multi_phone_sync_credential and parent_acs_credential_id is null)),
  add constraint acs_credential_on_a_phone
    check ((parent_acs_credential_id is null) = (device_id is null));

create unique index acs_credential_of_parent
  on acs_credential (workspace_id, parent_acs_credential_id, device_id)
  where parent_acs_credential_id is not null;
-- Children whose system has not shown them yet: few.
create index acs_credential_unissued on acs_credential (workspace_id, acs_system_id)
  where parent_acs_credential_id is not null and issued_at is null;
-- Lists of keys for phones alone, among whatever else there is.
create index acs_credential_for_phones
  on acs_credential (workspace_id, created_at, acs_credential_id)
  where is_multi_phone_sync_credential;
create index acs_credential_for_phones_of_system
  on acs_credential (workspace_id, acs_system_id, created_at, acs_credential_id)
  where is_multi_phone_sync_credential;
