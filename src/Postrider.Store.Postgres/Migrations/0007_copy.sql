-- Who this installation is: an interrupted copy of it is known by that.
create table installation (
    id integer primary key check (id = 1),
    uid uuid not null
);

insert into installation (id, uid) values (1, gen_random_uuid());

-- There while a copy into this database has not come to its end: no server starts on it then.
create table store_copy (
    id integer primary key check (id = 1),
    installation uuid not null,                             -- whose copy
    begun_at timestamptz not null
);

-- How far the copy is, written with the rows and so by lane. The furthest lane of a relation tells: lanes come one after the other.
create table copy_progress (
    lane smallint not null,
    relation text collate "C" not null,
    rows bigint not null,
    position bytea not null,                                -- the last row's key
    primary key (lane, relation)
);
