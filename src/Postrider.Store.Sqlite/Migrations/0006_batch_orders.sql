-- Whole batches. state: 0 nothing, 1 paused, 2 cancelled; it holds for messages that are added later, too. unswept: whether messages came that the
-- last order has not seen; 1 new ones, behind its cursor, 2 ones that were under way then and wait again.
alter table batch add column state integer not null default 0 check (state between 0 and 2);
alter table batch add column unswept integer not null default 0 check (unswept between 0 and 2);

create index batch_state on batch (tenant_id, id) where state > 0;
create index batch_unswept on batch (tenant_id, id) where unswept > 0;

-- A held message is due in the year 9999, so that claims, which take by due_at, neither see it nor step over it; this is when it would be.
alter table queue add column held_due_at integer;

-- What a batch was last told, and how far that has come: a page at a time, each with its cursor in one transaction.
create table batch_order (
    tenant_id blob not null,
    batch_id blob not null,
    action integer not null check (action between 0 and 3),     -- cancel, pause, resume, reschedule
    target integer not null check (target between 0 and 2),     -- the batch's state that its messages are brought to
    due_at integer,                                             -- of a reschedule
    cursor blob not null check (length(cursor) = 16),           -- messages up to this one are done
    changed integer not null default 0,
    created_at integer not null,
    done_at integer,
    owner blob,
    lease_until integer,
    primary key (tenant_id, batch_id)
) without rowid;

create index batch_order_pending on batch_order (tenant_id, batch_id) where done_at is null;
