-- What running the platform needs: traces that go through the queue, alerts that are told once, windows of silence.
-- Beside an older version of the platform nothing changes: columns have defaults, and no old one goes.

-- Who asked for a run, in W3C's form. An application that calls enqueue_job may say it for its transaction:
-- SELECT set_config('jobplatform.traceparent', '00-…-…-01', true). Whatever is no such text is left alone when the run starts.
ALTER TABLE jobplatform.job_runs ADD COLUMN traceparent text DEFAULT left(nullif(current_setting('jobplatform.traceparent', true), ''), 55);

CREATE TABLE jobplatform.alerts (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key              text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    kind             text NOT NULL CHECK (kind IN ('missed_run', 'run_too_long', 'queue_too_deep', 'mail_stuck')),
    job_id           bigint,
    title            text NOT NULL,
    message          text NOT NULL,
    link             text,
    opened_at        timestamptz NOT NULL,
    told_at          timestamptz,
    closed_at        timestamptz,
    recovery_told_at timestamptz
);
COMMENT ON TABLE jobplatform.alerts IS 'What was wrong, from when to when, and when the admins were told of it and of its end. Failed runs: job_alerts.';
COMMENT ON COLUMN jobplatform.alerts.key IS 'What it is about, such as missed_run:42 (the job''s id); one alert of a key is open at a time.';
COMMENT ON COLUMN jobplatform.alerts.told_at IS 'Null while a window of silence holds it back.';
CREATE UNIQUE INDEX alerts_open ON jobplatform.alerts (key) WHERE closed_at IS NULL;
CREATE INDEX alerts_by_key ON jobplatform.alerts (key, told_at);
CREATE INDEX alerts_to_tell ON jobplatform.alerts (id) WHERE closed_at IS NOT NULL AND told_at IS NOT NULL AND recovery_told_at IS NULL;
CREATE INDEX alerts_by_end ON jobplatform.alerts (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE jobplatform.alert_silences (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id          bigint REFERENCES jobplatform.jobs ON DELETE CASCADE,
    starts_at       timestamptz,
    ends_at         timestamptz,
    cron_expression text CHECK (length(cron_expression) BETWEEN 1 AND 200),
    time_zone       text NOT NULL DEFAULT 'UTC',
    minutes         integer CHECK (minutes BETWEEN 1 AND 10080),
    reason          text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    created_by      text NOT NULL DEFAULT session_user,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT alert_silences_once_or_again CHECK (
        (cron_expression IS NULL AND minutes IS NULL AND starts_at IS NOT NULL AND ends_at > starts_at)
        OR (cron_expression IS NOT NULL AND minutes IS NOT NULL AND starts_at IS NULL AND ends_at IS NULL))
);
COMMENT ON TABLE jobplatform.alert_silences IS
    'When nobody is told: once, from starts_at to ends_at, or again and again, for minutes from each time of cron_expression. What is still wrong at the end is told then.';
COMMENT ON COLUMN jobplatform.alert_silences.job_id IS 'Null for all alerts; otherwise those of this job.';
CREATE INDEX alert_silences_by_end ON jobplatform.alert_silences (ends_at) WHERE ends_at IS NOT NULL;

-- For the retention of what has ended.
CREATE INDEX pending_emails_ended ON jobplatform.pending_emails (updated_at) WHERE status IN ('sent', 'failed', 'canceled');
CREATE INDEX job_versions_by_time ON jobplatform.job_versions (changed_at);
