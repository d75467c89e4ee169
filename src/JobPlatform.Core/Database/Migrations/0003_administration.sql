-- Who may do what, who did what, and what the platform itself has to say.
CREATE TABLE jobplatform.admin_logs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    actor      text NOT NULL,
    action     text NOT NULL,
    subject    text,
    address    inet,
    details    jsonb
);
COMMENT ON TABLE jobplatform.admin_logs IS 'Audit log: appended only; the service may not change or delete a row but through purge_admin_logs.';
CREATE INDEX admin_logs_by_time ON jobplatform.admin_logs (created_at, id);

CREATE TABLE jobplatform.erasure_evidence (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id   text NOT NULL UNIQUE,
    requested_at timestamptz,
    erased_at    timestamptz NOT NULL DEFAULT now(),
    counts       jsonb NOT NULL CHECK (jsonb_typeof(counts) = 'object')
);
COMMENT ON TABLE jobplatform.erasure_evidence IS 'Proof of erasures: counts per table and times, no personal data. Never purged.';

CREATE TABLE jobplatform.error_logs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    level      text NOT NULL CHECK (level IN ('warning', 'error', 'critical')),
    category   text NOT NULL,
    event_id   integer NOT NULL DEFAULT 0,
    event_name text,
    message    text NOT NULL,
    exception  text,
    run_id     uuid,
    worker     text
);
CREATE INDEX error_logs_by_time ON jobplatform.error_logs (created_at, id);
CREATE INDEX error_logs_by_category ON jobplatform.error_logs (category, id);

CREATE TABLE jobplatform.admin_users (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email           text NOT NULL CHECK (email = lower(email) AND email ~ '^[^\s@]+@[^\s@]+$'),
    name            text NOT NULL DEFAULT '',
    password_hash   text,
    role            text NOT NULL CHECK (role IN ('admin', 'viewer')),
    is_disabled     boolean NOT NULL DEFAULT false,
    security_stamp  uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_sign_in_at timestamptz,
    UNIQUE (email)
);

CREATE TABLE jobplatform.api_clients (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    key_hash     bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    scopes       text[] NOT NULL,
    company      text,
    is_disabled  boolean NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz
);

CREATE TABLE jobplatform.app_settings (
    key        text PRIMARY KEY,
    value      jsonb NOT NULL,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The one way by which rows leave the audit log: oldest first, by age, a bounded batch.
CREATE FUNCTION jobplatform.purge_admin_logs(p_before timestamptz, p_limit integer)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobplatform, pg_temp
AS $$
DECLARE
    v_deleted integer;
BEGIN
    -- An hour less than a day: the caller's clock may be ahead of this one.
    IF p_before > now() - interval '23 hours' THEN
        RAISE EXCEPTION 'p_before: % is less than 23 hours ago', p_before
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The audit log keeps at least a day.';
    END IF;
    DELETE FROM admin_logs WHERE id IN
        (SELECT id FROM admin_logs WHERE created_at < p_before ORDER BY created_at, id LIMIT p_limit);
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END
$$;
