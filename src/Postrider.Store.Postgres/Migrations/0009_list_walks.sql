-- Where the pages of lists ended, for minutes. Unlogged: after a crash of the server a walk goes on by offsets.
create unlogged table list_walk (
    lane smallint not null check (lane between 0 and 63),
    tenant_id uuid not null,
    api_key_id uuid not null,
    filter bytea not null check (length(filter) = 32),
    page_size integer not null,
    page integer not null,
    last_id uuid not null,
    served_at timestamptz not null,
    primary key (lane, tenant_id, api_key_id, filter, page_size, page)
);

-- Sweeping what is past, oldest first.
create index list_walk_served on list_walk (lane, served_at);
