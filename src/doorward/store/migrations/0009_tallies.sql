-- How many people a system has, without counting a million of them for each look: the sum of a few
-- rows. Each statement that makes or deletes people adds one row, and takes in those that it finds
-- unlocked, so that nobody waits for anybody's count.
create table acs_user_tally (
  workspace_id uuid not null references workspace,
  acs_system_id uuid not null,
  people bigint not null
);
create index acs_user_tally_of_system on acs_user_tally (workspace_id, acs_system_id);

insert into acs_user_tally
  select workspace_id, acs_system_id, count(*) from acs_user group by 1, 2;

create function tally_users() returns trigger language plpgsql as $$
declare
  v_change record;
begin
  for v_change in
    select u.workspace_id, u.acs_system_id,
      case when tg_op = 'DELETE' then -count(*) else count(*) end as people
    from changed u group by 1, 2
  loop
    with gone as (
      delete from acs_user_tally t where t.ctid = any (array(
        select f.ctid from acs_user_tally f where f.workspace_id = v_change.workspace_id
          and f.acs_system_id = v_change.acs_system_id limit 64 for update skip locked))
      returning t.people
    )
    insert into acs_user_tally
      select v_change.workspace_id, v_change.acs_system_id,
        coalesce(sum(g.people), 0) + v_change.people from gone g;
  end loop;
  return null;
end $$;
create trigger acs_user_made after insert on acs_user
  referencing new table as changed for each statement execute function tally_users();
create trigger acs_user_deleted after delete on acs_user
  referencing old table as changed for each statement execute function tally_users();

-- The list of unmanaged credentials does not go through the managed ones.
create index acs_credential_unmanaged
  on acs_credential (workspace_id, created_at, acs_credential_id) where not is_managed;
