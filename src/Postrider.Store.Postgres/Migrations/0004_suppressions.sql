-- Addresses that mail is kept from. Found by address for every recipient of every claim, so the address leads; an address has none or few.
create table suppression (
    lane smallint not null check (lane between 0 and 63),
    tenant_id uuid not null,
    address_key text collate "C" not null,                  -- the address in lower case
    list smallint not null check (list between 0 and 3),
    group_id integer not null check ((group_id > 0) = (list = 3)),
    id uuid not null,                                       -- bounces: the event's that caused it; other lists hold an address once: zero
    mailbox text,                                           -- the address as given; null when it is its key
    created_at timestamptz not null,
    reason text,
    bounce_type smallint check (bounce_type between 0 and 2),
    status text,
    message_id uuid,                                        -- what bounced
    primary key (lane, tenant_id, address_key, list, group_id, id),
    check ((bounce_type is not null) = (list = 0))
);

-- Lists, newest first.
create index suppression_time on suppression (lane, tenant_id, list, group_id, created_at, address_key, id);

create table unsubscribe_group (
    lane smallint not null check (lane between 0 and 63),
    tenant_id uuid not null,
    id integer not null,
    name text not null,
    description text not null,
    is_default boolean not null,
    created_at timestamptz not null,
    removed_at timestamptz,                                 -- the row stays, so that its id is not given out again
    primary key (lane, tenant_id, id)
);

create unique index unsubscribe_group_name on unsubscribe_group (lane, tenant_id, name) where removed_at is null;
