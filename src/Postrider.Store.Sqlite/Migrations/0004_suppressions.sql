-- Addresses that mail is kept from. Found by address for every recipient of every claim, so the address leads; an address has none or few.
create table suppression (
    tenant_id blob not null,
    address_key text not null,                              -- the address in lower case
    list integer not null check (list between 0 and 3),
    group_id integer not null check ((group_id > 0) = (list = 3)),
    id blob not null check (length(id) = 16),               -- bounces: the event's that caused it; other lists hold an address once: zero
    mailbox text,                                           -- the address as given; null when it is its key
    created_at integer not null,
    reason text,
    bounce_type integer check (bounce_type between 0 and 2),
    status text,
    message_id blob,                                        -- what bounced
    primary key (tenant_id, address_key, list, group_id, id),
    check ((bounce_type is not null) = (list = 0))
) without rowid;

-- Lists, newest first.
create index suppression_time on suppression (tenant_id, list, group_id, created_at, address_key, id);

create table unsubscribe_group (
    tenant_id blob not null,
    id integer not null,
    name text not null,
    description text not null,
    is_default integer not null check (is_default in (0, 1)),
    created_at integer not null,
    removed_at integer,                                     -- the row stays, so that its id is not given out again
    primary key (tenant_id, id)
) without rowid;

create unique index unsubscribe_group_name on unsubscribe_group (tenant_id, name) where removed_at is null;
