-- Generations go on where they were when a settled message is retried: a worker that still holds an old lease stays mute.
alter table message add column generation integer not null default 0;

-- Of retry_count, what was counted before the last retry by hand, which begins a new run of attempts.
alter table queue add column retries_before integer not null default 0;
