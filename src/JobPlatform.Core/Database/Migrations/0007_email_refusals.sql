-- enqueue_email refuses by name all that the table or the sender would refuse later: the table's own message names no
-- parameter and shows the row, and a sender with a line break was found out only when the mail was to go.
CREATE OR REPLACE FUNCTION jobplatform.enqueue_email(
    p_to text, p_subject text, p_html text DEFAULT NULL, p_text text DEFAULT NULL,
    p_run_at timestamptz DEFAULT NULL, p_from text DEFAULT NULL, p_dedup_key text DEFAULT NULL,
    p_tags text[] DEFAULT '{}', p_max_attempts integer DEFAULT 5)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobplatform, pg_temp
AS $$
DECLARE
    v_id    bigint;
    v_fault text;
    v_hint  text;
BEGIN
    IF p_to IS NULL OR p_to !~ '^[^\s@<>,;]+@[^\s@<>,;]+$' THEN
        v_fault := format('p_to: "%s" is not one e-mail address', left(p_to, 320));
        v_hint := 'Give one plain address, such as ada@example.com; one row a recipient.';
    ELSIF length(p_to) > 320 THEN
        v_fault := format('p_to: it has %s characters', length(p_to));
        v_hint := 'An address has 320 at most.';
    ELSIF coalesce(p_subject, '') = '' OR p_subject ~ '[\r\n]' THEN
        v_fault := 'p_subject: it is empty or has a line break';
        v_hint := 'Give one line of text.';
    ELSIF length(p_subject) > 998 THEN
        v_fault := format('p_subject: it has %s characters', length(p_subject));
        v_hint := 'A subject has 998 at most.';
    ELSIF p_html IS NULL AND p_text IS NULL THEN
        v_fault := 'p_html, p_text: both are missing';
        v_hint := 'Give at least one of them.';
    ELSIF p_from ~ '[\r\n]' THEN
        v_fault := 'p_from: it has a line break';
        v_hint := 'Give one line, such as Ada <ada@example.com>.';
    ELSIF position('@' in p_from) = 0 OR length(p_from) NOT BETWEEN 3 AND 400 THEN
        v_fault := format('p_from: "%s" is not an e-mail address', left(p_from, 400));
        v_hint := 'Give one of 3 to 400 characters, such as Ada <ada@example.com>, or NULL for the setting MAIL_FROM.';
    ELSIF p_max_attempts IS NULL OR p_max_attempts NOT BETWEEN 1 AND 100 THEN
        v_fault := format('p_max_attempts: %s is not a number from 1 to 100', coalesce(p_max_attempts::text, 'NULL'));
        v_hint := 'Leave it out for 5.';
    ELSIF length(p_dedup_key) NOT BETWEEN 1 AND 200 THEN
        v_fault := format('p_dedup_key: it has %s characters', length(p_dedup_key));
        v_hint := 'Give 1 to 200, or NULL for none.';
    END IF;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION '%', v_fault USING ERRCODE = 'invalid_parameter_value', HINT = v_hint;
    END IF;
    INSERT INTO pending_emails (to_address, from_address, subject, html_body, text_body, tags, max_attempts, run_at, dedup_key)
    VALUES (p_to, p_from, p_subject, p_html, p_text, coalesce(p_tags, '{}'), p_max_attempts, coalesce(p_run_at, now()), p_dedup_key)
    ON CONFLICT (dedup_key) DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT id INTO v_id FROM pending_emails WHERE dedup_key = p_dedup_key;
    END IF;
    RETURN v_id;
END
$$;
