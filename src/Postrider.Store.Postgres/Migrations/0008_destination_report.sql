-- What each node says of the destinations that some limit binds: one row a node, written over every few seconds, for commands to read. Part of
-- the directory: it grows with nodes, not with mail.
create table destination_report (
    node uuid primary key,
    at timestamptz not null,
    destinations text not null                              -- JSON array
);
