-- Webhook handlers: signed, with a time limit of their own, and a deletion that can be told about later.
ALTER TABLE jobplatform.job_handlers
    ADD COLUMN timeout_seconds           integer NOT NULL DEFAULT 30 CHECK (timeout_seconds BETWEEN 1 AND 3600),
    ADD COLUMN signing_secret_encrypted  bytea,
    ADD COLUMN signing_secret_changed_at timestamptz,
    ADD CONSTRAINT job_handlers_signing_secret_has_date
        CHECK ((signing_secret_encrypted IS NULL) = (signing_secret_changed_at IS NULL)),
    ADD CONSTRAINT job_handlers_description_is_short CHECK (length(description) <= 2000);
COMMENT ON COLUMN jobplatform.job_handlers.secret_encrypted IS
    'Sealed for this key and the scheme, host and port of the URL: it opens for no other, so that a URL changed by SQL sends it nowhere.';

-- What a webhook's deletion concerns.
CREATE INDEX jobs_of_handler ON jobplatform.jobs (handler, name);

-- Which handler a run missed, and since when.
CREATE INDEX admin_logs_deleted_webhooks ON jobplatform.admin_logs (subject, id) WHERE action = 'webhook.deleted';
