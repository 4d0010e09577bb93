using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Tests.Queue;

public sealed class LeaseBookTests
{
    static readonly NodeId First = new(new Guid("01987f00-0000-7000-8000-000000000001"));
    static readonly NodeId Second = new(new Guid("01987f00-0000-7000-8000-000000000002"));

    readonly LeaseBook _book = new(First, () => Second, most: 10);

    [Fact]
    public void No_more_is_granted_than_may_be_held()
    {
        Assert.Equal((8, First), _book.Take(8));
        Assert.Equal((2, First), _book.Take(8));
        Assert.Equal((0, First), _book.Take(8));
        Assert.Equal((0, First), _book.Take(-1));
        Assert.Equal((10, 0), (_book.Held, _book.Free));

        _book.Return(First, 3);

        Assert.Equal((3, First), _book.Take(8));
    }

    [Fact]
    public void A_name_is_renewed_only_while_something_known_is_held_under_it()
    {
        _book.Take(2);
        _book.Distrust(First);
        Assert.Equal((1, Second), _book.Take(1));
        Assert.Equal([First, Second], _book.Owners.OrderBy(owner => owner.ToString(), StringComparer.Ordinal));

        _book.Return(First, 2);

        Assert.Equal([Second], _book.Owners);
        _book.Distrust(First);      // by a claim that was on its way: not the present name's fault
        Assert.Equal((1, Second), _book.Take(1));
    }
}
