-- Nodes that share the store, by their heartbeats: a handful of rows, read and written by all nodes, so without a lane.
create table node (
    id uuid primary key,
    name text not null,                                     -- machine and process, to show
    started_at timestamptz not null,
    seen_at timestamptz not null
);
