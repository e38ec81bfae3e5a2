-- Wrong codes at keypads, as controllers hand them in.

-- What a keypad remembers (policy/throttle.py), for whichever process decides there next.
create table keypad (
  workspace_id uuid not null,
  reader_id uuid not null,
  attempts jsonb not null,
  primary key (workspace_id, reader_id),
  foreign key (workspace_id, reader_id) references reader on delete cascade
);

-- Counts up whenever more is handed in of the controller's keypads, so that whoever runs it hears
-- of that with the journal.
alter table controller add column keypad_version bigint not null default 0;
