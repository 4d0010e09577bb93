-- Times are UTC in Unix milliseconds; ids are UUIDv7 as 16 octets, big-endian, so that a primary key (tenant_id, id) is appended to.
-- Numbers of statuses, states, kinds and types are those of the engine's enums. Foreign keys are not declared: each would cost a seek a
-- row on the acceptance path, and rows that belong together are written by one transaction.

create table tenant (
    id blob primary key check (length(id) = 16),
    name text not null unique,
    created_at integer not null,
    suspended integer not null default 0 check (suspended in (0, 1))
) without rowid;

create table stream (
    tenant_id blob not null,
    slug text not null,
    created_at integer not null,
    primary key (tenant_id, slug)
) without rowid;

create table api_key (
    id blob primary key check (length(id) = 16),
    tenant_id blob not null,
    dialect integer not null check (dialect between 0 and 3),
    name text not null,
    prefix text not null,
    hash blob not null unique check (length(hash) = 32),    -- every request is looked up by it
    scopes text not null,                                   -- separated by spaces
    test integer not null check (test in (0, 1)),
    created_at integer not null,
    expires_at integer,
    revoked_at integer,
    last_used_at integer
) without rowid;

create table domain (
    id blob primary key check (length(id) = 16),
    tenant_id blob not null,
    name text not null,                                     -- A-labels
    selector text not null,
    sealed_key blob not null,
    created_at integer not null,
    verified_at integer,
    unique (name, tenant_id)                                -- by name alone: all tenants' claims to one domain
) without rowid;

-- The searchable record of a message; the body is content.
create table message (
    tenant_id blob not null,
    id blob not null check (length(id) = 16),
    status integer check (status between 5 and 9),          -- null while live: the queue row tells it then
    stream text not null,
    from_key text not null,                                 -- the address in lower case
    from_mailbox text,                                      -- the address as given; null when it is its key
    from_name text,
    subject text not null,
    batch_id blob,
    template_id text,
    categories text,                                        -- JSON array, null when there are none
    settings text,                                          -- JSON object, null when all are at their defaults
    body_hash blob check (length(body_hash) = 32),
    sandbox integer not null check (sandbox in (0, 1)),
    due_at integer not null,
    queued_at integer not null,
    sent_at integer,
    settled_at integer,
    retry_count integer not null default 0,                 -- of a settled message; while live the queue row counts
    error_message text,
    primary key (tenant_id, id),
    check ((status is null) = (settled_at is null))
) without rowid;

-- Lists by settled status, newest first; live ones are listed from the queue.
create index message_status on message (tenant_id, status, id) where status is not null;
-- Lists by sender, batch, template, newest first. Partial where most messages have none.
create index message_from on message (tenant_id, from_key, id);
create index message_batch on message (tenant_id, batch_id, id) where batch_id is not null;
create index message_template on message (tenant_id, template_id, id) where template_id is not null;

create table message_category (
    tenant_id blob not null,
    category text not null,
    message_id blob not null,
    primary key (tenant_id, category, message_id)
) without rowid;

create table recipient (
    tenant_id blob not null,
    message_id blob not null,
    ordinal integer not null,
    kind integer not null check (kind between 0 and 2),
    address_key text not null,                              -- the address in lower case
    mailbox text,                                           -- the address as given; null when it is its key
    name text,
    state integer not null check (state between 0 and 5),
    last_reply text,
    settled_at integer,
    primary key (tenant_id, message_id, ordinal)
) without rowid;

-- Lists by recipient, newest first.
create index recipient_address on recipient (tenant_id, address_key, message_id);

-- One row a live message: small and hot, gone once it settles.
create table queue (
    tenant_id blob not null,
    message_id blob not null,
    domain text not null,                                   -- A-labels; empty when the recipients' domains differ
    due_at integer not null,
    first_due_at integer not null,
    phase integer not null check (phase between 0 and 3),   -- waiting, processing, rendered, sending
    partly_accepted integer not null default 0 check (partly_accepted in (0, 1)),   -- then its status is sent, whatever its phase
    retry_count integer not null default 0,
    generation integer not null default 0,
    lease_owner blob,
    lease_until integer,
    batch_id blob,                                          -- so that no transition has to read the message
    primary key (tenant_id, message_id),
    check ((phase = 0) = (lease_until is null))
) without rowid;

-- Claims: one seek to a backlog, then its rows in the order they are to be taken. Also the loose scan over backlogs.
create index queue_due on queue (tenant_id, domain, due_at, message_id) where phase = 0;
-- The few rows that are leased: renewing, releasing, and lists by processing, rendered, sending.
create index queue_leased on queue (tenant_id, message_id) where phase > 0;
-- The few live rows that some recipient's MX accepted: lists by sent.
create index queue_partly on queue (tenant_id, message_id) where partly_accepted = 1;

-- Append-only timeline.
create table event (
    tenant_id blob not null,
    message_id blob not null,
    id blob not null,
    type integer not null,
    recipient integer not null,                             -- ordinal
    at integer not null,
    data text,                                              -- JSON object
    primary key (tenant_id, message_id, id)
) without rowid;

-- Bodies and attachments. A rowid table, so that large values are appended; only the small index is at random places.
create table content (
    no integer primary key,
    tag integer not null,                                   -- the first 8 octets of the hash
    chunk integer not null,
    tenant_id blob not null,
    sha256 blob not null check (length(sha256) = 32),
    octets integer not null,                                -- of this chunk, uncompressed
    codec integer not null check (codec in (0, 1)),         -- stored as it is, Brotli
    data blob not null
);

create index content_tag on content (tag, chunk);

-- Totals by UTC day of creation, one column a status; kept by every transition's own transaction.
create table counter (
    tenant_id blob not null,
    day integer not null,                                   -- since 1970-01-01
    queued integer not null default 0 check (queued >= 0),
    processing integer not null default 0 check (processing >= 0),
    rendered integer not null default 0 check (rendered >= 0),
    sending integer not null default 0 check (sending >= 0),
    sent integer not null default 0 check (sent >= 0),
    delivered integer not null default 0 check (delivered >= 0),
    bounced integer not null default 0 check (bounced >= 0),
    failed integer not null default 0 check (failed >= 0),
    cancelled integer not null default 0 check (cancelled >= 0),
    sandbox integer not null default 0 check (sandbox >= 0),
    primary key (tenant_id, day)
) without rowid;

-- The days that have live messages: the queue's length without counting its rows.
create index counter_live on counter (tenant_id, day) where queued + processing + rendered + sending + sent > 0;

create table batch (
    tenant_id blob not null,
    id blob not null,
    queued integer not null default 0 check (queued >= 0),
    processing integer not null default 0 check (processing >= 0),
    rendered integer not null default 0 check (rendered >= 0),
    sending integer not null default 0 check (sending >= 0),
    sent integer not null default 0 check (sent >= 0),
    delivered integer not null default 0 check (delivered >= 0),
    bounced integer not null default 0 check (bounced >= 0),
    failed integer not null default 0 check (failed >= 0),
    cancelled integer not null default 0 check (cancelled >= 0),
    sandbox integer not null default 0 check (sandbox >= 0),
    completed_at integer,
    primary key (tenant_id, id)
) without rowid;

create table idempotency (
    tenant_id blob not null,
    key text not null,
    fingerprint blob not null check (length(fingerprint) = 32),
    messages blob not null,                                 -- their ids, 16 octets each
    expires_at integer not null,
    primary key (tenant_id, key)
) without rowid;

-- Purging what has expired, oldest first.
create index idempotency_expiry on idempotency (expires_at);

-- What the readiness check writes to.
create table readiness (
    id integer primary key check (id = 1),
    checked_at integer not null
);
