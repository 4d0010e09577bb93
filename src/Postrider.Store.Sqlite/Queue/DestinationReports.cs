using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>What the serving process says of its destinations.</summary>
static class DestinationReports
{
    const string PublishSql = """
        insert or replace into destination_report (node, at, destinations)
        values (@node, @at, @destinations)
        """;

    const string ForgetSql = """
        delete from destination_report
        where at < @before
        """;

    public static int Publish(WriteSession session, NodeReport report, string destinations, DateTimeOffset forgetBefore)
    {
        var db = session.Connection;
        db.Prepare(PublishSql).Bind(report.Node.Value).Bind(report.At).Bind(destinations).Run();
        db.Prepare(ForgetSql).Bind(forgetBefore).Run();
        return db.Changes;
    }

    const string WithdrawSql = """
        delete from destination_report
        where node = @node
        """;

    public static int Withdraw(WriteSession session, NodeId node)
    {
        session.Connection.Prepare(WithdrawSql).Bind(node.Value).Run();
        return session.Connection.Changes;
    }

    const string ReadSql = """
        select node, at, destinations from destination_report
        where at >= @since
        order by node
        """;

    public static List<NodeReport> Read(Connection db, DateTimeOffset since)
    {
        var reports = new List<NodeReport>();
        var row = db.Prepare(ReadSql).Bind(since);
        while (row.Step())
            reports.Add(NodeReport.Decode(new NodeId(row.Guid(0)), row.Time(1), row.Text(2)));
        return reports;
    }
}
