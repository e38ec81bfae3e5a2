-- How far a sandbox workspace's clock is ahead of real time. It only ever grows. Of a workspace that
-- is no sandbox any more it does not count.
alter table workspace add column clock_ahead interval not null default '0'
  check (clock_ahead >= '0' and clock_ahead <= '36525 days');

-- Every look at what has changed reads the moved clocks: as cheap as their number is small.
create index workspace_with_moved_clock on workspace (workspace_id) where clock_ahead > '0';
