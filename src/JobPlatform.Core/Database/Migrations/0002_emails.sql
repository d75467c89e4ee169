-- Outgoing mail. Rows are made by enqueue_email (or by hand), sent by the job process-pending-emails.
CREATE TABLE jobplatform.pending_emails (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id      text NOT NULL UNIQUE DEFAULT gen_random_uuid()::text,
    to_address      text NOT NULL CHECK (to_address ~ '^[^\s@<>,;]+@[^\s@<>,;]+$' AND length(to_address) <= 320),
    from_address    text CHECK (length(from_address) BETWEEN 3 AND 400),
    subject         text NOT NULL CHECK (length(subject) BETWEEN 1 AND 998 AND subject !~ '[\r\n]'),
    html_body       text,
    text_body       text,
    tags            text[] NOT NULL DEFAULT '{}',
    status          text NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'processing', 'sent', 'failed', 'canceled')),
    attempts        smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    max_attempts    smallint NOT NULL DEFAULT 5 CHECK (max_attempts BETWEEN 1 AND 100),
    run_at          timestamptz NOT NULL DEFAULT now(),
    claimed_at      timestamptz,
    sent_at         timestamptz,
    last_error      text,
    dedup_key       text UNIQUE CHECK (length(dedup_key) BETWEEN 1 AND 200),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pending_emails_has_body CHECK (html_body IS NOT NULL OR text_body IS NOT NULL),
    CONSTRAINT pending_emails_sent_has_time CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT pending_emails_processing_was_claimed CHECK ((status = 'processing') = (claimed_at IS NOT NULL)),
    CONSTRAINT pending_emails_failed_has_error CHECK (status <> 'failed' OR last_error IS NOT NULL)
);
COMMENT ON COLUMN jobplatform.pending_emails.message_id IS
    'Left part of the Message-ID header; the same in every attempt, so that a receiver can drop a repeat.';

CREATE INDEX pending_emails_due ON jobplatform.pending_emails (run_at, id) WHERE status = 'pending';
CREATE INDEX pending_emails_processing ON jobplatform.pending_emails (claimed_at) WHERE status = 'processing';
CREATE INDEX pending_emails_by_status ON jobplatform.pending_emails (status, id);

-- Queues one mail inside the caller's transaction. A dedup key that was used before answers with that row's id.
CREATE FUNCTION jobplatform.enqueue_email(
    p_to text, p_subject text, p_html text DEFAULT NULL, p_text text DEFAULT NULL,
    p_run_at timestamptz DEFAULT NULL, p_from text DEFAULT NULL, p_dedup_key text DEFAULT NULL,
    p_tags text[] DEFAULT '{}', p_max_attempts integer DEFAULT 5)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobplatform, pg_temp
AS $$
DECLARE
    v_id bigint;
BEGIN
    IF p_to IS NULL OR p_to !~ '^[^\s@<>,;]+@[^\s@<>,;]+$' THEN
        RAISE EXCEPTION 'p_to: "%" is not one e-mail address', p_to
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give one plain address, such as ada@example.com; one row a recipient.';
    END IF;
    IF coalesce(p_subject, '') = '' OR p_subject ~ '[\r\n]' THEN
        RAISE EXCEPTION 'p_subject: it is empty or has a line break'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give one line of text.';
    END IF;
    IF p_html IS NULL AND p_text IS NULL THEN
        RAISE EXCEPTION 'p_html, p_text: both are missing'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give at least one of them.';
    END IF;
    INSERT INTO pending_emails (to_address, from_address, subject, html_body, text_body, tags, max_attempts, run_at, dedup_key)
    VALUES (p_to, p_from, p_subject, p_html, p_text, p_tags, p_max_attempts, coalesce(p_run_at, now()), p_dedup_key)
    ON CONFLICT (dedup_key) DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT id INTO v_id FROM pending_emails WHERE dedup_key = p_dedup_key;
    END IF;
    RETURN v_id;
END
$$;

-- Takes up to p_limit mails for sending. Two callers at once never get the same row; a row that was taken more than
-- 15 minutes ago and neither sent nor given back is taken again (its sender died).
CREATE FUNCTION jobplatform.claim_pending_emails(p_limit integer, p_now timestamptz DEFAULT now())
RETURNS SETOF jobplatform.pending_emails
LANGUAGE sql VOLATILE
AS $$
    WITH stuck AS (
        SELECT id FROM jobplatform.pending_emails
         WHERE status = 'processing' AND claimed_at < p_now - interval '15 minutes'
         ORDER BY claimed_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    ), ready AS (
        SELECT id FROM jobplatform.pending_emails
         WHERE status = 'pending' AND run_at <= p_now
         ORDER BY run_at, id LIMIT p_limit - (SELECT count(*) FROM stuck) FOR UPDATE SKIP LOCKED
    ), due AS (
        SELECT id FROM stuck UNION ALL SELECT id FROM ready
    )
    UPDATE jobplatform.pending_emails e
       SET status = 'processing', attempts = e.attempts + 1, claimed_at = p_now, updated_at = p_now
      FROM due WHERE e.id = due.id
    RETURNING e.*
$$;
