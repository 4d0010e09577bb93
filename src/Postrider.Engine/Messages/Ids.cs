namespace Postrider.Engine.Messages;

/// <summary>Every thing has one 128-bit id, a UUIDv7 (RFC 9562 §5.7): it sorts by the time the thing was made.</summary>
public readonly record struct MessageId(Guid Value)
{
    public DateTimeOffset CreatedAt => Uuid7.TimeOf(Value);

    /// <summary>26 Crockford base32 characters without a prefix; dialects add theirs.</summary>
    public override string ToString() => Base32.Format(Value);
}

public readonly record struct TenantId(Guid Value)
{
    public override string ToString() => Base32.Format(Value);
}

public readonly record struct BatchId(Guid Value)
{
    public DateTimeOffset CreatedAt => Uuid7.TimeOf(Value);

    public override string ToString() => Base32.Format(Value);
}

public readonly record struct EventId(Guid Value)
{
    public override string ToString() => Base32.Format(Value);
}

public readonly record struct ApiKeyId(Guid Value)
{
    public override string ToString() => Base32.Format(Value);
}

public readonly record struct DomainId(Guid Value)
{
    public override string ToString() => Base32.Format(Value);
}

/// <summary>One run of one server process: what a lease names as its owner. A restarted server is another node.</summary>
public readonly record struct NodeId(Guid Value)
{
    public override string ToString() => Base32.Format(Value);
}
