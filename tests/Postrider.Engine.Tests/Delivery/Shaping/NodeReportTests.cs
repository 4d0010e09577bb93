using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Tests.Delivery.Shaping;

public sealed class NodeReportTests
{
    [Theory]
    [InlineData("""[{"Key": 5}]""")]
    [InlineData("""[{"Key": "mx.example", "Binds": "Weather"}]""")]
    [InlineData("not JSON")]
    [InlineData("null")]
    public void What_another_version_wrote_is_no_fault(string written) =>
        Assert.Empty(NodeReport.Decode(new NodeId(Guid.Empty), DateTimeOffset.UnixEpoch, written).Destinations);
}
