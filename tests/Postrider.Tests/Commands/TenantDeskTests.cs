using Postrider.Commands;

namespace Postrider.Tests.Commands;

public sealed class TenantDeskTests
{
    [Theory]
    [InlineData("scaisend", "scaisend2")]
    [InlineData("scaisend2", "scaisend3")]
    [InlineData("scaisend9", "scaisend10")]
    [InlineData("2026", "2027")]
    public void A_selector_is_followed_by_one_that_was_not_used(string selector, string next) =>
        Assert.Equal(next, TenantDesk.SelectorAfter(selector));
}
