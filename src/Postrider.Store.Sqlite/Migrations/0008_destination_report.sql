-- What the serving process says of the destinations that some limit binds: one row, written over every few seconds, for commands to read.
create table destination_report (
    node blob primary key,
    at integer not null,
    destinations text not null                              -- JSON array
) without rowid;
