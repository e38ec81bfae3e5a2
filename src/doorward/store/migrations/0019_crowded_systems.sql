-- Since when a system has had nearly as many people as it takes; null while there is room.
alter table external_system add column crowded_since timestamptz;
