using Microsoft.AspNetCore.Http;
using Postrider.Api.Auth;
using Postrider.Api.RateLimits;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Batches;

/// <summary>The paths of batches: contracts/scaisend.md §3.2, §7.</summary>
sealed class BatchRoutes(BatchEndpoints batches, BatchOrderEndpoints orders, ScheduledSendEndpoints scheduled)
{
    const string Batch = "/v3/mail/batch";
    const string Scheduled = "/v3/user/scheduled_sends";

    public ScaiSendRoute[] Table() =>
    [
        new("POST", Batch, ErrorShape.Errors, RateClass.Other, [Scopes.MailSchedule], batches.CreateAsync),
        new("GET", Batch + "/{id}", ErrorShape.Errors, RateClass.Other, [Scopes.MailSchedule, Scopes.StatsRead], batches.GetAsync),
        new("POST", Batch + "/{id}/cancel", ErrorShape.Errors, RateClass.Other, [Scopes.MailCancel], orders.CancelAsync),
        new("POST", Batch + "/{id}/pause", ErrorShape.Errors, RateClass.Other, [Scopes.MailSchedule], orders.PauseAsync),
        new("POST", Batch + "/{id}/resume", ErrorShape.Errors, RateClass.Other, [Scopes.MailSchedule], orders.ResumeAsync),
        new("POST", Batch + "/{id}/reschedule", ErrorShape.Errors, RateClass.Other, [Scopes.MailSchedule], orders.RescheduleAsync),
        Held("GET", Scheduled, scheduled.ListAsync),
        Held("POST", Scheduled, scheduled.AddAsync),
        Held("GET", Scheduled + "/{id}", scheduled.GetAsync),
        Held("PATCH", Scheduled + "/{id}", scheduled.ChangeAsync),
        new("DELETE", Scheduled + "/{id}", ErrorShape.Detail, RateClass.Other, [Scopes.MailSchedule], scheduled.DeleteAsync),
    ];

    /// <summary>Which of the two is needed to change something, its status tells.</summary>
    static ScaiSendRoute Held(string method, string pattern, Func<HttpContext, Credential, Task> handle) =>
        new(method, pattern, ErrorShape.Detail, RateClass.Other, [Scopes.MailSchedule, Scopes.MailCancel], handle);
}
