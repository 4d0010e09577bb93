using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>
/// <c>POST /v3/suppression/bounces/import</c>: a CSV file of addresses, with reasons if it has any, read and written a piece at a time, so
/// that a file of any length takes the same memory. Each address becomes a hard bounce; one that is on the list as such already is skipped.
/// </summary>
sealed class BounceImport(ISuppressionStore store, IdGenerator ids, TimeProvider time)
{
    /// <summary>Of one request. A guess: some ten seconds of writing.</summary>
    public const int MostRows = 100_000;

    /// <summary>Of one row. A guess: an address of the greatest length and a reason of the greatest length in UTF-8.</summary>
    public const int MaxRowOctets = 4_096;

    /// <summary>Rows written in one transaction.</summary>
    const int RowsAtOnce = 500;

    public async Task HandleAsync(HttpContext context, Credential credential)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            || !type.MediaType.Equals("text/csv", StringComparison.OrdinalIgnoreCase))
        {
            ScaiSendErrors.Write(
                context.Response, ErrorShape.Detail, StatusCodes.Status415UnsupportedMediaType, "The Content-Type must be text/csv");
            return;
        }
        var file = new CsvFile();
        var reader = context.Request.BodyReader;
        for (var isOver = false; !isOver;)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            var rest = file.Take(read.Buffer, read.IsCompleted);
            reader.AdvanceTo(rest, read.Buffer.End);
            isOver = read.IsCompleted || file.IsFull;
            if (file.Rows.Count >= RowsAtOnce || isOver)
                await WriteAsync(credential.Tenant.Id, file, context.RequestAborted);
        }
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, file, Write);
    }

    async Task WriteAsync(TenantId tenant, CsvFile file, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        foreach (var piece in file.Rows.Chunk(RowsAtOnce))
        {
            var listed = (await store.FindBlockingAsync(tenant, [.. piece.Select(row => row.Address.Key).Distinct()], cancel))
                .Where(row => row.List == SuppressionList.Bounces).Select(row => row.Address.Key).ToHashSet(StringComparer.Ordinal);
            var rows = new List<Suppression>(piece.Length);
            foreach (var (address, reason) in piece)
            {
                if (!listed.Add(address.Key))
                    continue;
                rows.Add(new Suppression
                {
                    Id = ids.Next(),
                    List = SuppressionList.Bounces,
                    Address = address,
                    CreatedAt = now,
                    Reason = reason,
                    BounceType = BounceType.Hard,
                });
            }
            if (rows.Count > 0)
                await store.AddAsync(tenant, rows, cancel);
            file.Imported += rows.Count;
            file.Skipped += piece.Length - rows.Count;
        }
        file.Rows.Clear();
    }

    static void Write(Utf8JsonWriter json, CsvFile file)
    {
        json.WriteStartObject();
        json.WriteNumber("imported"u8, file.Imported);
        json.WriteNumber("skipped"u8, file.Skipped);
        json.WriteStartArray("errors"u8);
        foreach (var (row, error) in file.Errors)
        {
            json.WriteStartObject();
            json.WriteNumber("row"u8, row);
            json.WriteString("error"u8, error);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The file as it comes: rows that are good, and what is wrong with others.</summary>
    sealed class CsvFile
    {
        /// <summary>A guess: nobody reads more. All that were skipped are counted.</summary>
        const int MostErrors = 100;

        readonly List<string> _fields = [];
        int _row;
        int _email;
        int _reason = 1;
        bool _isTooLong;

        public List<(Mailbox Address, string? Reason)> Rows { get; } = [];

        public List<(int Row, string Error)> Errors { get; } = [];

        public int Imported { get; set; }

        public int Skipped { get; set; }

        public bool IsFull => _row > MostRows;

        /// <returns>Where the first row that is not whole yet begins.</returns>
        public SequencePosition Take(ReadOnlySequence<byte> octets, bool isEnd)
        {
            while (!IsFull && octets.PositionOf((byte)'\n') is { } end)
            {
                TakeRow(octets.Slice(0, end));
                octets = octets.Slice(octets.GetPosition(1, end));
            }
            if (isEnd && !IsFull && (octets.Length > 0 || _isTooLong))
                TakeRow(octets);
            if (isEnd || IsFull)
                return octets.End;
            if (octets.Length <= MaxRowOctets)
                return octets.Start;
            _isTooLong = true;
            return octets.End;
        }

        void TakeRow(ReadOnlySequence<byte> octets)
        {
            var isTooLong = _isTooLong || octets.Length > MaxRowOctets;
            _isTooLong = false;
            _row++;
            if (IsFull)
                Refuse($"At most {MostRows} rows are read; this one and those after it were not");
            else if (isTooLong)
                Refuse($"The row is longer than {MaxRowOctets} bytes");
            else
                TakeRow(Encoding.UTF8.GetString(octets).AsSpan().TrimStart('\uFEFF').Trim());
        }

        void TakeRow(ReadOnlySpan<char> line)
        {
            if (line.IsEmpty)
                return;
            if (!CsvRow.TryRead(line, _fields))
                Refuse("A quote is not closed");
            else if (_row == 1 && _fields.FindIndex(IsEmail) is >= 0 and var column)
                (_email, _reason) = (column, _fields.FindIndex(IsReason));
            else if (_email >= _fields.Count || !Mailbox.TryParse(_fields[_email], out var address))
                Refuse("There is no e-mail address");
            else
            {
                var reason = _reason >= 0 && _reason < _fields.Count ? _fields[_reason] : "";
                if (reason.Length > BounceEndpoints.MaxReason)
                    Refuse($"The reason is longer than {BounceEndpoints.MaxReason} characters");
                else
                    Rows.Add((address, reason.Length > 0 ? reason : null));
            }
        }

        void Refuse(string error)
        {
            Skipped++;
            if (Errors.Count < MostErrors)
                Errors.Add((_row, error));
        }

        static bool IsEmail(string field) => field.Equals("email", StringComparison.OrdinalIgnoreCase);

        static bool IsReason(string field) => field.Equals("reason", StringComparison.OrdinalIgnoreCase);
    }
}
