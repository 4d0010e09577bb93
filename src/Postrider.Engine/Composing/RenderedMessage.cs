using Postrider.Mail.Dkim;
using Postrider.Mail.Mime;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Engine.Composing;

/// <summary>A composed message with its body hashed; the signature, which names the time, is made when it is sent.</summary>
sealed class RenderedMessage
{
    readonly ComposedMessage _composed;
    readonly BodyHash _bodyHash;
    readonly DkimSigner _signer;
    readonly Lock _lock = new();
    SignedMessage? _signed;

    RenderedMessage(ComposedMessage composed, BodyHash bodyHash, DkimSigner signer) =>
        (_composed, _bodyHash, _signer) = (composed, bodyHash, signer);

    public static async ValueTask<RenderedMessage> CreateAsync(ComposedMessage composed, DkimSigner signer, CancellationToken cancel) =>
        new(composed, await BodyHash.RelaxedAsync(composed, cancel), signer);

    /// <summary>The same signature for every recipient of one attempt.</summary>
    public IOutgoingMessage Sign(DateTimeOffset now)
    {
        lock (_lock)
            return _signed ??= new SignedMessage(_signer.Sign(_composed.HeaderSection.Span, _bodyHash, now), _composed);
    }

    sealed class SignedMessage(ReadOnlyMemory<byte> signature, ComposedMessage composed) : IOutgoingMessage
    {
        static readonly byte[] EmptyLine = "\r\n"u8.ToArray();

        public long Octets => signature.Length + composed.Octets;

        public bool Is8Bit => composed.Is8Bit;

        public bool NeedsSmtpUtf8 => composed.NeedsSmtpUtf8;

        public async ValueTask WriteToAsync(IMessageSink sink, CancellationToken cancel)
        {
            await sink.WriteAsync(signature, cancel);
            if (composed.IsContiguous)
            {
                await sink.WriteAsync(composed.Whole, cancel);
                return;
            }
            await sink.WriteAsync(composed.HeaderSection, cancel);
            await sink.WriteAsync(EmptyLine, cancel);
            await foreach (var chunk in composed.ReadBodyAsync(cancel))
                await sink.WriteAsync(chunk, cancel);
        }
    }
}
