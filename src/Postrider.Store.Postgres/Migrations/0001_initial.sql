-- Ids are UUIDv7. Numbers of statuses, states, kinds and types are those of the engine's enums. Foreign keys are not declared: each would
-- cost a look-up a row on the acceptance path, and rows that belong together are written by one transaction.
--
-- lane is a stable hash of the tenant, 0 to 63 (Lane.cs). It leads every key, every index and every query of what grows with mail, so that
-- the tables can be spread over machines by it. tenant, stream, api_key and domain are the directory: small, read everywhere, on every machine.
--
-- Migrations run while older nodes work: a later one adds tables, nullable columns and indexes, and takes nothing away that they use.

create extension if not exists pg_trgm;

create table tenant (
    id uuid primary key,
    name text not null unique,
    created_at timestamptz not null,
    suspended boolean not null default false
);

create table stream (
    tenant_id uuid not null,
    slug text not null,
    created_at timestamptz not null,
    primary key (tenant_id, slug)
);

create table api_key (
    id uuid primary key,
    tenant_id uuid not null,
    dialect smallint not null check (dialect between 0 and 3),
    name text not null,
    prefix text not null,
    hash bytea not null unique check (length(hash) = 32),   -- every request is looked up by it
    scopes text not null,                                   -- separated by spaces
    test boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

create table domain (
    id uuid primary key,
    tenant_id uuid not null,
    name text collate "C" not null,                         -- A-labels
    selector text not null,
    sealed_key bytea not null,
    created_at timestamptz not null,
    verified_at timestamptz,
    unique (name, tenant_id)                                -- by name alone: all tenants' claims to one domain
);

-- The searchable record of a message; the body is content. Partitioned by month on the id, as is all that belongs to a message: a look-up by
-- id touches one partition, and retention drops partitions. Partitions.cs makes them, with their storage settings.
create table message (
    lane smallint not null check (lane between 0 and 63),
    tenant_id uuid not null,
    id uuid not null,
    status smallint check (status between 5 and 9),         -- null while live: the queue row tells it then
    stream text not null,
    from_key text collate "C" not null,                     -- the address in lower case
    from_mailbox text,                                      -- the address as given; null when it is its key
    from_name text,
    subject text not null,
    batch_id uuid,
    template_id text collate "C",
    categories text,                                        -- JSON array, null when there are none
    settings text,                                          -- JSON object as it was given, null when all are at their defaults
    body_hash bytea check (length(body_hash) = 32),
    sandbox boolean not null,
    due_at timestamptz not null,
    queued_at timestamptz not null,
    sent_at timestamptz,
    settled_at timestamptz,
    retry_count integer not null default 0,                 -- of a settled message; while live the queue row counts
    error_message text,
    primary key (lane, tenant_id, id),
    check ((status is null) = (settled_at is null))
) partition by range (id);

-- Lists by settled status, newest first; live ones are listed from the queue.
create index message_status on message (lane, tenant_id, status, id) where status is not null;
-- Lists by sender, batch, template, newest first. Partial where most messages have none; message_from, which holds every row, so that the
-- planner cannot take it for a look-up by id, which on an empty table seems as cheap by it as by the primary key.
create index message_from on message (lane, tenant_id, from_key, id) where from_key is not null;
create index message_batch on message (lane, tenant_id, batch_id, id) where batch_id is not null;
create index message_template on message (lane, tenant_id, template_id, id) where template_id is not null;
-- Search in subjects, in any case of every script whatever the database's own locale: hence the collation by name.
create index message_subject on message using gin (lower(subject collate "und-x-icu") gin_trgm_ops);

create table message_category (
    lane smallint not null,
    tenant_id uuid not null,
    category text collate "C" not null,
    message_id uuid not null,
    primary key (lane, tenant_id, category, message_id)
) partition by range (message_id);

create table recipient (
    lane smallint not null,
    tenant_id uuid not null,
    message_id uuid not null,
    ordinal integer not null,
    kind smallint not null check (kind between 0 and 2),
    address_key text collate "C" not null,                  -- the address in lower case
    mailbox text,                                           -- the address as given; null when it is its key
    name text,
    state smallint not null check (state between 0 and 5),
    last_reply text,
    settled_at timestamptz,
    primary key (lane, tenant_id, message_id, ordinal)
) partition by range (message_id);

-- Lists by recipient, newest first. Partial for the same reason as message_from.
create index recipient_address on recipient (lane, tenant_id, address_key, message_id) where address_key is not null;

-- One row a live message: small and hot, gone once it settles.
create table queue (
    lane smallint not null check (lane between 0 and 63),
    tenant_id uuid not null,
    message_id uuid not null,
    domain text collate "C" not null,                       -- A-labels; empty when the recipients' domains differ
    due_at timestamptz not null,
    first_due_at timestamptz not null,
    phase smallint not null check (phase between 0 and 3),  -- waiting, processing, rendered, sending
    partly_accepted boolean not null default false,         -- then its status is sent, whatever its phase
    retry_count integer not null default 0,
    generation integer not null default 0,
    lease_owner uuid,
    lease_until timestamptz,
    claim_id uuid,                                          -- which claim leased it, so that one whose answer was lost can be given back
    batch_id uuid,                                          -- so that no transition has to read the message
    day integer not null,                                   -- of the message's creation, in UTC since 1970-01-01: its counter
    primary key (lane, tenant_id, message_id),
    check ((phase = 0) = (lease_until is null))
) with (
    -- Half of each page is left free, so that the steps of a lease, which change no indexed column, find room for the new version beside
    -- the old one (HOT): they then touch no index and leave nothing for vacuum. That is why no index speaks of phase.
    fillfactor = 50,
    -- A message leaves two or three dead rows within seconds. At the default of a fifth of the table, a queue of a million would keep 200,000
    -- dead index entries that every claim has to step over; so it is vacuumed by count, often, and without pausing.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000
);

-- Claims: one seek to a backlog, then its rows in the order they are to be taken. Also the loose scan over backlogs.
create index queue_due on queue (lane, tenant_id, domain, due_at, message_id) where lease_until is null;
-- The few rows that are leased: renewing, releasing, and lists by processing, rendered, sending.
create index queue_leased on queue (lane, tenant_id, message_id) where lease_until is not null;
-- The few live rows that some recipient's MX accepted: lists by sent.
create index queue_partly on queue (lane, tenant_id, message_id) where partly_accepted;

-- Append-only timeline.
create table event (
    lane smallint not null,
    tenant_id uuid not null,
    message_id uuid not null,
    id uuid not null,
    type smallint not null,
    recipient integer not null,                             -- ordinal
    at timestamptz not null,
    data text,                                              -- JSON object
    primary key (lane, tenant_id, message_id, id)
) partition by range (message_id);

-- Bodies and attachments, stored once a tenant and month: in the month of the messages that name them, so that they go when those go.
create table content (
    lane smallint not null,
    tenant_id uuid not null,
    sha256 bytea not null check (length(sha256) = 32),
    chunk integer not null,
    month uuid not null,                                    -- the month's first id
    octets integer not null,                                -- of this chunk, uncompressed
    codec smallint not null check (codec in (0, 1)),        -- stored as it is, Brotli
    data bytea not null,
    primary key (lane, tenant_id, sha256, chunk, month)
) partition by range (month);

-- What pays is compressed already; a chunk is read whole.
alter table content alter column data set storage external;

-- Totals by UTC day of creation, one column a status; kept by every transition's own transaction. Each group of writes updates a row a few
-- times a second, so its page has room for the versions (HOT; there is no index on a count).
create table counter (
    lane smallint not null,
    tenant_id uuid not null,
    day integer not null,                                   -- since 1970-01-01
    queued bigint not null default 0 check (queued >= 0),
    processing bigint not null default 0 check (processing >= 0),
    rendered bigint not null default 0 check (rendered >= 0),
    sending bigint not null default 0 check (sending >= 0),
    sent bigint not null default 0 check (sent >= 0),
    delivered bigint not null default 0 check (delivered >= 0),
    bounced bigint not null default 0 check (bounced >= 0),
    failed bigint not null default 0 check (failed >= 0),
    cancelled bigint not null default 0 check (cancelled >= 0),
    sandbox bigint not null default 0 check (sandbox >= 0),
    primary key (lane, tenant_id, day)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

create table batch (
    lane smallint not null,
    tenant_id uuid not null,
    id uuid not null,
    queued bigint not null default 0 check (queued >= 0),
    processing bigint not null default 0 check (processing >= 0),
    rendered bigint not null default 0 check (rendered >= 0),
    sending bigint not null default 0 check (sending >= 0),
    sent bigint not null default 0 check (sent >= 0),
    delivered bigint not null default 0 check (delivered >= 0),
    bounced bigint not null default 0 check (bounced >= 0),
    failed bigint not null default 0 check (failed >= 0),
    cancelled bigint not null default 0 check (cancelled >= 0),
    sandbox bigint not null default 0 check (sandbox >= 0),
    completed_at timestamptz,
    primary key (lane, tenant_id, id)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

create table idempotency (
    lane smallint not null,
    tenant_id uuid not null,
    key text collate "C" not null,
    fingerprint bytea not null check (length(fingerprint) = 32),
    messages uuid[] not null,
    expires_at timestamptz not null,
    primary key (lane, tenant_id, key)
);

-- Purging what has expired, oldest first.
create index idempotency_expiry on idempotency (lane, expires_at);

-- What the readiness check writes to.
create table readiness (
    id integer primary key check (id = 1),
    checked_at timestamptz not null
);
