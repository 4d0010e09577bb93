-- Whole batches. state: 0 nothing, 1 paused, 2 cancelled; it holds for messages that are added later, too. unswept: whether messages came that the
-- last order has not seen; 1 new ones, behind its cursor, 2 ones that were under way then and wait again. The indexes speak of columns that no
-- counter's update changes, so those stay HOT.
alter table batch add column state smallint not null default 0 check (state between 0 and 2);
alter table batch add column unswept smallint not null default 0 check (unswept between 0 and 2);

create index batch_state on batch (lane, tenant_id, id) where state > 0;
create index batch_unswept on batch (lane, tenant_id, id) where unswept > 0;

-- A held message is due in the year 9999, so that claims, which take by due_at, neither see it nor step over it; this is when it would be.
alter table queue add column held_due_at timestamptz;

-- What a batch was last told, and how far that has come: a page at a time, each with its cursor in one transaction.
create table batch_order (
    lane smallint not null check (lane between 0 and 63),
    tenant_id uuid not null,
    batch_id uuid not null,
    action smallint not null check (action between 0 and 3),    -- cancel, pause, resume, reschedule
    target smallint not null check (target between 0 and 2),    -- the batch's state that its messages are brought to
    due_at timestamptz,                                         -- of a reschedule
    cursor uuid not null,                                       -- messages up to this one are done
    changed bigint not null default 0,
    created_at timestamptz not null,
    done_at timestamptz,
    owner uuid,
    lease_until timestamptz,
    primary key (lane, tenant_id, batch_id)
) with (fillfactor = 50);

create index batch_order_pending on batch_order (lane, tenant_id, batch_id) where done_at is null;
