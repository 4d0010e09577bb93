using Postrider.Commands;
using Postrider.Configuration;
using Postrider.Engine.Moving;

namespace Postrider.Tests.Commands;

public sealed class StoreCommandsTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("postrider-copy-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_store_is_copied_once_and_what_is_there_is_not_copied_over()
    {
        Assert.Equal(ExitCode.Done, await RunAsync("tenant", "add", "acme", "--store", Store("a")));

        Assert.Equal(ExitCode.Done, await RunAsync("store", "copy", "--from", Store("a"), "--to", Store("b")));

        Assert.Equal(ExitCode.Refused, await RunAsync("store", "copy", "--from", Store("a"), "--to", Store("b")));
        File.Copy(Path.Combine(_folder, "a.key"), Path.Combine(_folder, "b.key"));
        Assert.Equal(ExitCode.Refused, await RunAsync("tenant", "add", "acme", "--store", Store("b")));
    }

    [Fact]
    public async Task A_source_that_is_not_there_is_not_made()
    {
        Assert.Equal(ExitCode.Refused, await RunAsync("store", "copy", "--from", Store("none"), "--to", Store("b")));

        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task A_store_is_not_copied_into_itself()
    {
        Assert.Equal(ExitCode.Done, await RunAsync("tenant", "add", "acme", "--store", Store("a")));

        Assert.Equal(ExitCode.Refused, await RunAsync("store", "copy", "--from", Store("a"), "--to", Store("a")));
    }

    [Theory]
    [InlineData("store", "copy", "--from", "mysql:x", "--to", "sqlite:y")]
    [InlineData("store", "copy", "--from", "sqlite:x")]
    [InlineData("store", "distribute", "--shards", "65")]
    public async Task What_cannot_be_meant_is_wrong_usage(params string[] arguments) =>
        Assert.Equal(ExitCode.WrongUsage, await RunAsync(arguments));

    [Fact]
    public async Task Only_postgres_is_distributed() =>
        Assert.Equal(ExitCode.Refused, await RunAsync("store", "distribute", "--print", "--store", Store("a")));

    [Fact]
    public void The_report_has_a_line_a_table_and_two_where_the_stores_differ()
    {
        var table = MovedTables.All[0];
        var compared = new CopyOutcome.Compared(
        [
            new(table, new TableDigest(3, 0xAB), new TableDigest(3, 0xAB)),
            new(MovedTables.All[1], new TableDigest(2, 1), new TableDigest(1, 2)),
        ]);

        var lines = CopyReport.TableOf(compared).Split(Environment.NewLine);

        Assert.Equal(4, lines.Length);
        Assert.Matches("^tenant +3 0{30}ab  equal$", lines[1]);
        Assert.Matches("^stream +2 0{31}1  DIFFERENT, in the target:$", lines[2]);
        Assert.Matches("^ +1 0{31}2$", lines[3]);
        Assert.Contains("stream.", CopyReport.WhyDifferent(compared, StoreAddress.Default), StringComparison.Ordinal);
    }

    [Fact]
    public void The_operator_is_told_where_the_key_is_and_not_the_key()
    {
        var from = new StoreAddress.Sqlite("data/postrider.db");
        var to = StoreAddress.TryParse("postgres://postrider:secret@db.example:5432/postrider")!;

        var told = CopyReport.WhatIsLeft(from, to, keyIsSet: false);

        Assert.Contains("what data/postrider.key holds, as Secrets:Key, on every node", told, StringComparison.Ordinal);
        Assert.Contains("Never serve from sqlite:data/postrider.db again", told, StringComparison.Ordinal);
        Assert.DoesNotContain("secret@", told, StringComparison.Ordinal);
    }

    string Store(string name) => $"sqlite:{Path.Combine(_folder, name + ".db")}";

    static Task<int> RunAsync(params string[] arguments) => CommandLine.RunAsync(arguments);
}
