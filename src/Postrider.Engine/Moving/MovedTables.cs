using static Postrider.Engine.Moving.ColumnKind;

namespace Postrider.Engine.Moving;

/// <summary>
/// Everything an installation consists of. Not here is what a store makes of it for itself: lanes, search indexes, what a lease holds
/// (leases are given back before a copy begins). A test compares this list with the schemas of both stores, so that no table and no column
/// is forgotten.
/// </summary>
public static class MovedTables
{
    public static IReadOnlyList<MovedTable> All { get; } =
    [
        Directory("tenant",
            [new("id", Id)],
            [new("name", Text), new("created_at", Instant), new("suspended", Flag)]),
        Directory("stream",
            [new("tenant_id", Id), new("slug", Text)],
            [new("created_at", Instant)]),
        Directory("api_key",
            [new("id", Id)],
            [
                new("tenant_id", Id), new("dialect", Number), new("name", Text), new("prefix", Text), new("hash", Octets),
                new("scopes", Text),
                new("test", Flag), new("created_at", Instant), new("expires_at", Instant), new("revoked_at", Instant),
                new("last_used_at", Instant),
            ]),
        Directory("domain",
            [new("id", Id)],
            [
                new("tenant_id", Id), new("name", Text), new("selector", Text), new("sealed_key", Octets), new("created_at", Instant),
                new("verified_at", Instant), new("next_selector", Text), new("next_sealed_key", Octets),
            ]),
        OfTenants("content",
            [new("tenant_id", Id), new("sha256", Octets), new("month", Month), new("chunk", Number)],
            [new("octets", Number), new("codec", Number), new("data", Octets)]),
        OfTenants("message",
            [new("tenant_id", Id), new("id", Id)],
            [
                new("status", Number), new("stream", Text), new("from_key", Text), new("from_mailbox", Text), new("from_name", Text),
                new("subject", Text), new("batch_id", Id), new("template_id", Text), new("categories", Text), new("settings", Text),
                new("body_hash", Octets), new("sandbox", Flag), new("due_at", Instant), new("queued_at", Instant),
                new("sent_at", Instant), new("settled_at", Instant), new("retry_count", Number), new("error_message", Text),
                new("generation", Number),
            ]),
        OfTenants("message_category",
            [new("tenant_id", Id), new("category", Text), new("message_id", Id)],
            []),
        OfTenants("recipient",
            [new("tenant_id", Id), new("message_id", Id), new("ordinal", Number)],
            [
                new("kind", Number), new("address_key", Text), new("mailbox", Text), new("name", Text), new("state", Number),
                new("last_reply", Text), new("settled_at", Instant),
            ]),
        OfTenants("event",
            [new("tenant_id", Id), new("message_id", Id), new("id", Id)],
            [new("type", Number), new("recipient", Number), new("at", Instant), new("data", Text)]),
        OfTenants("queue",
            [new("tenant_id", Id), new("message_id", Id)],
            [
                new("domain", Text), new("due_at", Instant), new("first_due_at", Instant), new("phase", Number),
                new("partly_accepted", Flag), new("retry_count", Number), new("retries_before", Number), new("generation", Number),
                new("batch_id", Id), new("held_due_at", Instant),
            ]),
        OfTenants("counter", [new("tenant_id", Id), new("day", Number)], Totals),
        OfTenants(
            "batch", [new("tenant_id", Id), new("id", Id)],
            [.. Totals, new("completed_at", Instant), new("state", Number), new("unswept", Number)]),
        OfTenants("batch_order",
            [new("tenant_id", Id), new("batch_id", Id)],
            [
                new("action", Number), new("target", Number), new("due_at", Instant), new("cursor", Id), new("changed", Number),
                new("created_at", Instant), new("done_at", Instant),
            ]),
        OfTenants("suppression",
            [new("tenant_id", Id), new("address_key", Text), new("list", Number), new("group_id", Number), new("id", Id)],
            [
                new("mailbox", Text), new("created_at", Instant), new("reason", Text), new("bounce_type", Number), new("status", Text),
                new("message_id", Id),
            ]),
        OfTenants("unsubscribe_group",
            [new("tenant_id", Id), new("id", Number)],
            [
                new("name", Text), new("description", Text), new("is_default", Flag), new("created_at", Instant),
                new("removed_at", Instant),
            ]),
        OfTenants("idempotency",
            [new("tenant_id", Id), new("key", Text)],
            [new("fingerprint", Octets), new("messages", Ids), new("expires_at", Instant)]),
    ];

    /// <summary>One column a status.</summary>
    static MovedColumn[] Totals =>
    [
        new("queued", Number), new("processing", Number), new("rendered", Number), new("sending", Number), new("sent", Number),
        new("delivered", Number), new("bounced", Number), new("failed", Number), new("cancelled", Number), new("sandbox", Number),
    ];

    static MovedTable Directory(string name, MovedColumn[] key, MovedColumn[] values) => new(name, key, values);

    static MovedTable OfTenants(string name, MovedColumn[] key, MovedColumn[] values) => new(name, key, values) { IsTenants = true };
}
