namespace Postrider.Mail.Smtp;

/// <summary>RFC 3463 §2: <c>status-code = class "." subject "." detail</c>, e.g. 5.1.1.</summary>
public readonly record struct EnhancedStatusCode(int Class, int Subject, int Detail)
{
    public override string ToString() => $"{Class}.{Subject}.{Detail}";
}
