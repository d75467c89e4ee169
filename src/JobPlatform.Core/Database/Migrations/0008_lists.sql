-- What the lists of the API and the admin pages ask for, each along an index (jobs by handler: 0005).

-- A job's failures among its many good runs; what people started among all that came by itself; the retries of a run.
CREATE INDEX job_runs_not_well_of_job ON jobplatform.job_runs (job_id, status, id)
    WHERE status IN ('failed', 'canceled', 'skipped', 'retrying');
CREATE INDEX job_runs_by_people ON jobplatform.job_runs (trigger, id) WHERE trigger IN ('manual', 'retry');
CREATE INDEX job_runs_retries ON jobplatform.job_runs (retry_of, id) WHERE retry_of IS NOT NULL;

CREATE INDEX admin_logs_by_actor ON jobplatform.admin_logs (actor, created_at, id);
CREATE INDEX admin_logs_by_action ON jobplatform.admin_logs (action, created_at, id);
CREATE INDEX admin_logs_by_subject ON jobplatform.admin_logs (subject, created_at, id);
CREATE INDEX error_logs_by_event ON jobplatform.error_logs (event_id, id);
CREATE INDEX error_logs_by_level ON jobplatform.error_logs (level, id);
