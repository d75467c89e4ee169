-- What the admins have been told of, so that they are told neither twice nor too often.
CREATE TABLE jobplatform.job_alerts (
    job_id        bigint PRIMARY KEY REFERENCES jobplatform.jobs ON DELETE CASCADE,
    failures_seen bigint NOT NULL DEFAULT 0,
    held_back     bigint NOT NULL DEFAULT 0,
    alerted_at    timestamptz,
    is_open       boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE jobplatform.job_alerts IS 'Of each job that has failed: how far its failures have been told.';
COMMENT ON COLUMN jobplatform.job_alerts.failures_seen IS 'job_statistics.failed_count at the last look.';
COMMENT ON COLUMN jobplatform.job_alerts.held_back IS 'Failures since the last mail that were not told, as it was less than an hour ago.';
COMMENT ON COLUMN jobplatform.job_alerts.is_open IS 'A failure was told, and that it works again was not yet.';

CREATE TABLE jobplatform.notifications (
    key       text PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 200),
    sent_at   timestamptz NOT NULL,
    held_back bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE jobplatform.notifications IS 'When the admins were last told of something that may recur many times an hour, such as llm:openai.';

-- What failed before there were alerts is no news.
INSERT INTO jobplatform.job_alerts (job_id, failures_seen)
SELECT s.job_id, s.failed_count FROM jobplatform.job_statistics s JOIN jobplatform.jobs j ON j.id = s.job_id WHERE s.failed_count > 0;
