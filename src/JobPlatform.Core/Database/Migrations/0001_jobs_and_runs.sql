-- What jobs are, what they did, and what is to be done next.

-- Time-ordered ids (RFC 9562, version 7): 48 bits of milliseconds, the rest random. PostgreSQL has its own from 18 on.
CREATE FUNCTION jobplatform.uuid_v7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
            52, 1), 53, 1), 'hex')::uuid
$$;

-- The lowest id that a row of that moment can have: turns a time into a range of the primary key.
CREATE FUNCTION jobplatform.uuid_v7_floor(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

CREATE TABLE jobplatform.jobs (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                 text NOT NULL UNIQUE
                         CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    description          text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    handler              text NOT NULL CHECK (handler ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    cron_expression      text CHECK (length(cron_expression) BETWEEN 1 AND 200),
    time_zone            text NOT NULL DEFAULT 'UTC' CHECK (length(time_zone) BETWEEN 1 AND 100),
    is_enabled           boolean NOT NULL DEFAULT true,
    config               jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(config) = 'object'),
    queue                text NOT NULL DEFAULT 'default' CHECK (queue ~ '^[a-z0-9][a-z0-9._-]{0,49}$'),
    priority             smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 9),
    timeout_seconds      integer NOT NULL DEFAULT 300 CHECK (timeout_seconds BETWEEN 1 AND 604800),
    max_attempts         smallint NOT NULL DEFAULT 3 CHECK (max_attempts BETWEEN 1 AND 100),
    retry_delays         text NOT NULL DEFAULT 'exponential(15,3600)'
                         CHECK (retry_delays ~ '^(\d{1,7}(,\d{1,7}){0,99}|exponential\(\d{1,7},\d{1,7}\))$'),
    overlap_policy       text NOT NULL DEFAULT 'skip' CHECK (overlap_policy IN ('skip', 'queue', 'allow')),
    max_concurrency      integer NOT NULL DEFAULT 1 CHECK (max_concurrency BETWEEN 1 AND 10000),
    misfire_policy       text NOT NULL DEFAULT 'one' CHECK (misfire_policy IN ('one', 'skip', 'all')),
    notify_on_failure    boolean NOT NULL DEFAULT true,
    missed_after_seconds integer CHECK (missed_after_seconds BETWEEN 1 AND 2592000),
    ping_url             text CHECK (length(ping_url) <= 2000),
    version              integer NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE jobplatform.jobs IS 'Definitions of jobs. Rows may be edited by hand: schedules follow within a second.';
COMMENT ON COLUMN jobplatform.jobs.priority IS '1 (first) to 9 (last).';
COMMENT ON COLUMN jobplatform.jobs.retry_delays IS
    'Seconds before attempts 2, 3, ... as a list (30,60,120; the last one repeats), or exponential(first,cap).';
COMMENT ON COLUMN jobplatform.jobs.overlap_policy IS
    'What becomes of a run while max_concurrency runs of the job are running: skip (recorded as skipped), queue (waits), allow (runs; no limit).';
COMMENT ON COLUMN jobplatform.jobs.misfire_policy IS
    'What becomes of due times that passed unnoticed: one run for all of them, skip them, or run all (newest 100 of the last day).';

-- Each version of each definition. No reference to jobs: the history outlives the job.
CREATE TABLE jobplatform.job_versions (
    job_id      bigint NOT NULL,
    version     integer NOT NULL,
    definition  jsonb NOT NULL,
    changed_by  text NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now(),
    is_deleted  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (job_id, version)
);

-- Kept apart from jobs, so that counting a run neither raises a version nor wakes the schedule sync.
CREATE TABLE jobplatform.job_statistics (
    job_id               bigint PRIMARY KEY,
    success_count        bigint NOT NULL DEFAULT 0,
    failed_count         bigint NOT NULL DEFAULT 0,
    canceled_count       bigint NOT NULL DEFAULT 0,
    skipped_count        bigint NOT NULL DEFAULT 0,
    consecutive_failures integer NOT NULL DEFAULT 0,
    total_duration_ms    bigint NOT NULL DEFAULT 0,
    last_run_id          uuid,
    last_status          text,
    last_finished_at     timestamptz,
    last_duration_ms     bigint,
    last_success_at      timestamptz,
    last_failure_at      timestamptz
) WITH (fillfactor = 50);

-- No reference from job_runs to jobs: its check would take a row lock on the job for every run that is enqueued
-- (measured: a third of the bulk speed). Deleting a job cancels what waits, below; its history stays.
CREATE TABLE jobplatform.job_runs (
    id               uuid PRIMARY KEY,
    job_id           bigint NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    -- Within what every client can read; PostgreSQL's calendar is longer than that of most.
    run_at           timestamptz NOT NULL CHECK (run_at >= '2000-01-01Z' AND run_at < '2200-01-01Z'),
    scheduled_for    timestamptz,
    started_at       timestamptz,
    finished_at      timestamptz,
    duration_ms      bigint CHECK (duration_ms >= 0),
    fence            bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    job_version      integer NOT NULL,
    priority         smallint NOT NULL,
    attempt          smallint NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    rescues          smallint NOT NULL DEFAULT 0 CHECK (rescues >= 0),
    limited          boolean NOT NULL,
    forced           boolean NOT NULL DEFAULT false,
    cancel_requested boolean NOT NULL DEFAULT false,
    queue            text NOT NULL,
    status           text NOT NULL DEFAULT 'queued'
                     CHECK (status IN ('queued', 'running', 'retrying', 'success', 'failed', 'canceled', 'skipped')),
    skip_reason      text CHECK (skip_reason IN ('overlap', 'misfire', 'safety_stop')),
    trigger          text NOT NULL CHECK (trigger IN ('cron', 'manual', 'api', 'event', 'sql', 'retry')),
    triggered_by     text CHECK (length(triggered_by) <= 200),
    worker           text,
    dedup_key        text CHECK (length(dedup_key) BETWEEN 1 AND 200),
    idempotency_key  text CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    engine_ref       text,
    retry_of         uuid,
    payload          jsonb CHECK (jsonb_typeof(payload) = 'object'),
    output           jsonb,
    error            jsonb CHECK (jsonb_typeof(error) = 'object'),
    progress         jsonb,

    CONSTRAINT job_runs_ended_has_end CHECK
        ((status IN ('success', 'failed', 'canceled', 'skipped')) = (finished_at IS NOT NULL)),
    CONSTRAINT job_runs_running_has_worker CHECK
        (status <> 'running' OR (started_at IS NOT NULL AND worker IS NOT NULL AND attempt >= 1 AND fence >= 1)),
    CONSTRAINT job_runs_waiting_has_no_worker CHECK (status NOT IN ('queued', 'retrying') OR worker IS NULL),
    CONSTRAINT job_runs_success_was_started CHECK (status <> 'success' OR started_at IS NOT NULL),
    CONSTRAINT job_runs_skipped_has_reason CHECK ((status = 'skipped') = (skip_reason IS NOT NULL)),
    CONSTRAINT job_runs_failed_has_error CHECK (status NOT IN ('failed', 'retrying') OR error IS NOT NULL),
    CONSTRAINT job_runs_retrying_had_attempt CHECK (status <> 'retrying' OR attempt >= 1),
    CONSTRAINT job_runs_cron_has_due_time CHECK ((trigger = 'cron') = (scheduled_for IS NOT NULL)),
    CONSTRAINT job_runs_retry_names_old CHECK ((trigger = 'retry') = (retry_of IS NOT NULL))
) WITH (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);
COMMENT ON COLUMN jobplatform.job_runs.limited IS
    'True where the job''s overlap policy limits how many of its runs run at once; such runs are claimed job by job.';
COMMENT ON COLUMN jobplatform.job_runs.fence IS 'Grows with each claim. A finish that carries an older fence is refused.';
COMMENT ON COLUMN jobplatform.job_runs.rescues IS 'How often a worker died while it ran this.';

-- No due time twice, whatever the number of nodes.
CREATE UNIQUE INDEX job_runs_one_per_due_time ON jobplatform.job_runs (job_id, scheduled_for)
    WHERE scheduled_for IS NOT NULL;
-- A dedup key is taken while its run is alive.
CREATE UNIQUE INDEX job_runs_dedup ON jobplatform.job_runs (job_id, dedup_key)
    WHERE dedup_key IS NOT NULL AND status IN ('queued', 'running', 'retrying');
CREATE UNIQUE INDEX job_runs_idempotency ON jobplatform.job_runs (idempotency_key)
    WHERE idempotency_key IS NOT NULL;
-- The two claims: without a limit by lane (queue, priority), with one by job.
CREATE INDEX job_runs_ready ON jobplatform.job_runs (queue, priority, run_at, id)
    WHERE status IN ('queued', 'retrying') AND NOT limited;
CREATE INDEX job_runs_ready_limited ON jobplatform.job_runs (job_id, run_at, id)
    WHERE status IN ('queued', 'retrying') AND limited;
CREATE INDEX job_runs_running ON jobplatform.job_runs (job_id) WHERE status = 'running';
-- The lists of the dashboard, newest first: all runs by primary key, a job's runs, and what went wrong.
CREATE INDEX job_runs_of_job ON jobplatform.job_runs (job_id, id);
CREATE INDEX job_runs_not_well ON jobplatform.job_runs (status, id)
    WHERE status IN ('failed', 'canceled', 'skipped', 'retrying');

-- What ended when: the last day's figures, and the purge.
CREATE INDEX job_runs_finished ON jobplatform.job_runs (finished_at) WHERE finished_at IS NOT NULL;

-- Attempts that did not succeed: a good run costs no second row.
CREATE TABLE jobplatform.job_attempts (
    run_id      uuid NOT NULL REFERENCES jobplatform.job_runs (id) ON DELETE CASCADE,
    number      smallint NOT NULL CHECK (number >= 1),
    fence       bigint NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('failed', 'timeout', 'canceled', 'worker_lost')),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    worker      text NOT NULL,
    error       jsonb NOT NULL,
    PRIMARY KEY (run_id, number, fence)
);

CREATE TABLE jobplatform.job_run_logs (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id   uuid NOT NULL REFERENCES jobplatform.job_runs (id) ON DELETE CASCADE,
    attempt  smallint NOT NULL,
    at       timestamptz NOT NULL,
    level    text NOT NULL CHECK (level IN ('debug', 'information', 'warning', 'error')),
    message  text NOT NULL
);
CREATE INDEX job_run_logs_of_run ON jobplatform.job_run_logs (run_id, id);

-- The processes that run jobs. A run whose worker's lease has ended goes on elsewhere.
CREATE TABLE jobplatform.workers (
    name         text PRIMARY KEY,
    role         text NOT NULL CHECK (role IN ('all', 'worker')),
    concurrency  integer NOT NULL,
    version      text NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    lease_until  timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The embedded engine's schedules, as other engines keep their own.
CREATE TABLE jobplatform.schedules (
    job_id          bigint PRIMARY KEY,
    job_name        text NOT NULL,
    job_version     integer NOT NULL,
    cron_expression text NOT NULL,
    time_zone       text NOT NULL,
    misfire_policy  text NOT NULL CHECK (misfire_policy IN ('one', 'skip', 'all')),
    state           text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'unscheduled')),
    next_due_at     timestamptz,
    last_due_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
CREATE INDEX schedules_due ON jobplatform.schedules (next_due_at) WHERE state = 'active';

-- Webhook handlers: a URL instead of a class.
CREATE TABLE jobplatform.job_handlers (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key               text NOT NULL UNIQUE CHECK (key ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    description       text NOT NULL DEFAULT '',
    url               text NOT NULL CHECK (url ~ '^https?://' AND length(url) <= 2000),
    method            text NOT NULL DEFAULT 'POST' CHECK (method IN ('POST', 'PUT')),
    auth_kind         text NOT NULL DEFAULT 'none'
                      CHECK (auth_kind IN ('none', 'bearer', 'basic', 'api_key', 'header')),
    auth_name         text,
    secret_encrypted  bytea,
    secret_changed_at timestamptz,
    headers           jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(headers) = 'object'),
    is_enabled        boolean NOT NULL DEFAULT true,
    version           integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_handlers_auth_has_secret CHECK ((auth_kind = 'none') = (secret_encrypted IS NULL)),
    CONSTRAINT job_handlers_secret_has_date CHECK ((secret_encrypted IS NULL) = (secret_changed_at IS NULL)),
    CONSTRAINT job_handlers_header_has_name CHECK (auth_kind NOT IN ('api_key', 'header') OR auth_name IS NOT NULL)
);

-- A changed definition gets the next version, is kept, and tells every process. Statistics live elsewhere, so every
-- update that changes a value is a change of the definition.
CREATE FUNCTION jobplatform.jobs_before_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = jobplatform, pg_temp
AS $$
BEGIN
    IF to_jsonb(NEW) - '{version,updated_at}'::text[] = to_jsonb(OLD) - '{version,updated_at}'::text[] THEN
        NEW.version := OLD.version;
        NEW.updated_at := OLD.updated_at;
        RETURN NEW;
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER jobs_before_update BEFORE UPDATE ON jobplatform.jobs
    FOR EACH ROW EXECUTE FUNCTION jobplatform.jobs_before_update();

CREATE FUNCTION jobplatform.jobs_after_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobplatform, pg_temp
AS $$
DECLARE
    v_actor text := coalesce(nullif(current_setting('jobplatform.actor', true), ''), session_user);
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO job_versions (job_id, version, definition, changed_by, is_deleted)
        VALUES (OLD.id, OLD.version + 1, to_jsonb(OLD), v_actor, true);
        -- Written so that each half finds its partial index.
        UPDATE job_runs SET status = 'canceled', finished_at = now(),
               error = jsonb_build_object('type', 'job_deleted', 'message', 'The job was deleted.', 'attempt', attempt)
         WHERE job_id = OLD.id AND status IN ('queued', 'retrying')
           AND (limited OR (NOT limited AND queue = OLD.queue AND priority = OLD.priority));
        UPDATE job_runs SET cancel_requested = true WHERE job_id = OLD.id AND status = 'running';
        DELETE FROM job_statistics WHERE job_id = OLD.id;
    ELSIF TG_OP = 'INSERT' OR NEW.version <> OLD.version THEN
        INSERT INTO job_versions (job_id, version, definition, changed_by)
        VALUES (NEW.id, NEW.version, to_jsonb(NEW), v_actor);
        -- Runs that have not ended follow their job to another lane, also those that run: they may come back.
        IF TG_OP = 'UPDATE' AND (NEW.queue, NEW.priority, NEW.overlap_policy) IS DISTINCT FROM
                                (OLD.queue, OLD.priority, OLD.overlap_policy) THEN
            UPDATE job_runs SET queue = NEW.queue, priority = NEW.priority, limited = NEW.overlap_policy <> 'allow'
             WHERE job_id = NEW.id AND status IN ('queued', 'retrying')
               AND (limited OR (NOT limited AND queue = OLD.queue AND priority = OLD.priority));
            UPDATE job_runs SET queue = NEW.queue, priority = NEW.priority, limited = NEW.overlap_policy <> 'allow'
             WHERE job_id = NEW.id AND status = 'running';
        END IF;
    ELSE
        RETURN NULL;
    END IF;
    PERFORM pg_notify('jobplatform', 'jobs');
    RETURN NULL;
END
$$;
CREATE TRIGGER jobs_after_change AFTER INSERT OR UPDATE OR DELETE ON jobplatform.jobs
    FOR EACH ROW EXECUTE FUNCTION jobplatform.jobs_after_change();

-- Enqueues a run inside the caller's transaction: commit, and it runs; roll back, and it never existed.
-- A dedup key that a living run of the job holds answers with that run's id.
CREATE FUNCTION jobplatform.enqueue_job(
    name text, payload jsonb DEFAULT NULL, run_at timestamptz DEFAULT NULL, dedup_key text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobplatform, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_job jobs;
    v_id  uuid;
BEGIN
    SELECT * INTO v_job FROM jobs j WHERE j.name = enqueue_job.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'name: no job is called "%"', enqueue_job.name
            USING ERRCODE = 'no_data_found', HINT = 'SELECT name FROM jobplatform.jobs lists them.';
    END IF;
    IF NOT v_job.is_enabled THEN
        RAISE EXCEPTION 'name: the job "%" is disabled', enqueue_job.name
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Enable it first: jobplatform jobs enable ' || enqueue_job.name;
    END IF;
    IF jsonb_typeof(enqueue_job.payload) <> 'object' THEN
        RAISE EXCEPTION 'payload: a JSON % is not an object', jsonb_typeof(enqueue_job.payload)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give an object, such as {"days_to_keep": 7}.';
    END IF;
    IF enqueue_job.run_at < '2000-01-01Z' OR enqueue_job.run_at >= '2200-01-01Z' THEN
        RAISE EXCEPTION 'run_at: % is not within the years 2000 to 2199', enqueue_job.run_at
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out to run now.';
    END IF;
    LOOP
        INSERT INTO job_runs (id, job_id, job_version, trigger, triggered_by, run_at, queue, priority, limited, dedup_key, payload)
        VALUES (uuid_v7(), v_job.id, v_job.version, 'sql', left(session_user, 200), coalesce(enqueue_job.run_at, now()),
                v_job.queue, v_job.priority, v_job.overlap_policy <> 'allow', enqueue_job.dedup_key, enqueue_job.payload)
        ON CONFLICT (job_id, dedup_key) WHERE dedup_key IS NOT NULL AND status IN ('queued', 'running', 'retrying')
        DO NOTHING
        RETURNING id INTO v_id;
        EXIT WHEN v_id IS NOT NULL;
        SELECT r.id INTO v_id FROM job_runs r
         WHERE r.job_id = v_job.id AND r.dedup_key = enqueue_job.dedup_key AND r.status IN ('queued', 'running', 'retrying');
        EXIT WHEN v_id IS NOT NULL;
    END LOOP;
    PERFORM pg_notify('jobplatform', 'runs');
    RETURN v_id;
END
$$;
