-- Who this installation is: an interrupted copy of it is known by that.
create table installation (
    id integer primary key check (id = 1),
    uid blob not null check (length(uid) = 16)
);

insert into installation (id, uid) values (1, randomblob(16));

-- There while a copy into this database has not come to its end: no server starts on it then.
create table store_copy (
    id integer primary key check (id = 1),
    installation blob not null,                             -- whose copy
    begun_at integer not null
);

-- How far the copy is, written with the rows.
create table copy_progress (
    relation text primary key,
    rows integer not null,
    position blob not null                                  -- the last row's key
) without rowid;
