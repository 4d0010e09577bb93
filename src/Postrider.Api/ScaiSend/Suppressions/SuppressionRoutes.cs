using Microsoft.AspNetCore.Http;
using Postrider.Api.Auth;
using Postrider.Api.RateLimits;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>The paths of suppressions and unsubscribe groups: contracts/scaisend.md §3.4, §3.5.</summary>
sealed class SuppressionRoutes(
    BounceEndpoints bounces, BounceImport import, SpamReportEndpoints spam, UnsubscribeEndpoints unsubscribes, GroupEndpoints groups,
    GroupSuppressionEndpoints grouped)
{
    const string Bounces = "/v3/suppression/bounces";
    const string Blocks = "/v3/suppression/blocks";
    const string Spam = "/v3/suppression/spam_reports";
    const string Global = "/v3/asm/suppressions/global";
    const string Groups = "/v3/asm/groups";
    const string Grouped = "/v3/asm/groups/{group}/suppressions";

    public ScaiSendRoute[] Table() =>
    [
        Read(Bounces, bounces.ListAsync),
        Read(Bounces + "/{email}", bounces.GetAsync),
        Write("POST", Bounces, bounces.AddAsync),
        Write("POST", Bounces + "/import", import.HandleAsync),
        Write("DELETE", Bounces, bounces.DeleteManyAsync),
        Write("DELETE", Bounces + "/{email}", bounces.DeleteAsync),
        Read(Blocks, bounces.ListBlocksAsync),
        Read(Blocks + "/{email}", bounces.GetBlockAsync),
        Write("DELETE", Blocks, bounces.DeleteBlocksAsync),
        Write("DELETE", Blocks + "/{email}", bounces.DeleteBlockAsync),
        Read(Spam, spam.ListAsync),
        Read(Spam + "/{email}", spam.GetAsync),
        Write("POST", Spam, spam.AddAsync),
        Write("DELETE", Spam, spam.DeleteManyAsync),
        Write("DELETE", Spam + "/{email}", spam.DeleteAsync),
        Read("/v3/suppression/unsubscribes", unsubscribes.ListBareAsync),
        Read(Global, unsubscribes.ListAsync),
        Write("POST", Global, unsubscribes.AddAsync),
        Read(Global + "/{email}", unsubscribes.GetAsync),
        Write("DELETE", Global + "/{email}", unsubscribes.DeleteAsync),
        Read(Groups, groups.ListAsync),
        Write("POST", Groups, groups.AddAsync),
        Read(Groups + "/{group}", groups.GetAsync),
        Write("PATCH", Groups + "/{group}", groups.ChangeAsync),
        Write("DELETE", Groups + "/{group}", groups.DeleteAsync),
        Read(Grouped, grouped.ListAsync),
        Write("POST", Grouped, grouped.AddAsync),
        // A POST by the table, yet it reads.
        new("POST", Grouped + "/search", ErrorShape.Detail, RateClass.Other, [Scopes.SuppressionsRead, Scopes.SuppressionsWrite],
            grouped.SearchAsync),
        Write("DELETE", Grouped + "/{email}", grouped.DeleteAsync),
        Read("/v3/asm/suppressions", grouped.ListAllAsync),
        Read("/v3/asm/suppressions/{email}", grouped.GetAsync),
    ];

    static ScaiSendRoute Read(string pattern, Func<HttpContext, Credential, Task> handle) =>
        new("GET", pattern, ErrorShape.Detail, RateClass.Other, [Scopes.SuppressionsRead], handle);

    static ScaiSendRoute Write(string method, string pattern, Func<HttpContext, Credential, Task> handle) =>
        new(method, pattern, ErrorShape.Detail, RateClass.Other, [Scopes.SuppressionsWrite], handle);
}
