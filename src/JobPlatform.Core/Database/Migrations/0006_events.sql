-- What applications tell the platform: an event becomes runs of the handlers that subscribe to its type.
CREATE TABLE jobplatform.event_types (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$' AND length(name) <= 100),
    description text NOT NULL,
    schema      jsonb NOT NULL CHECK (jsonb_typeof(schema) = 'object'),
    handlers    text[] NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE jobplatform.event_types IS
    'The types that the code declares, written at every start. None is removed: an older process must not take away what a newer one knows.';

CREATE TABLE jobplatform.events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    event_id   text UNIQUE CHECK (length(event_id) BETWEEN 1 AND 200),
    type       text NOT NULL,
    payload    jsonb NOT NULL,
    emitted_by text NOT NULL,
    run_ids    uuid[] NOT NULL
);
COMMENT ON COLUMN jobplatform.events.event_id IS 'The sender''s own id of it: told again, it does nothing. Remembered as long as purge-logs keeps the row.';
CREATE INDEX events_by_time ON jobplatform.events (created_at);

-- What does not fit: one sentence a fault. It knows the part of JSON Schema that the platform writes for flat records.
CREATE FUNCTION jobplatform.event_faults(p_schema jsonb, p_payload jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = jobplatform, pg_temp
AS $$
DECLARE
    v_known   text := (SELECT string_agg(key, ', ') FROM jsonb_object_keys(p_schema->'properties') AS key);
    v_faults  text[];
    v_key     text;
    v_value   jsonb;
    v_field   jsonb;
    v_types   jsonb;
    v_type    text;
BEGIN
    SELECT array_agg(key || ': it is missing') INTO v_faults
      FROM jsonb_array_elements_text(coalesce(p_schema->'required', '[]')) AS key WHERE NOT p_payload ? key;
    FOR v_key, v_value IN SELECT key, value FROM jsonb_each(p_payload) LOOP
        v_field := p_schema->'properties'->v_key;
        IF v_field IS NULL THEN
            v_faults := v_faults || format('%s: there is no such field; known: %s', v_key, v_known);
            CONTINUE;
        END IF;
        v_types := CASE jsonb_typeof(v_field->'type') WHEN 'array' THEN v_field->'type' WHEN 'string' THEN jsonb_build_array(v_field->'type') END;
        v_type := jsonb_typeof(v_value);
        IF v_type = 'number' AND (v_value #>> '{}')::numeric % 1 = 0 AND v_types ? 'integer' THEN v_type := 'integer'; END IF;
        IF NOT v_types ? v_type THEN
            v_faults := v_faults || format('%s: %s is not %s', v_key, left(v_value::text, 60),
                                           (SELECT string_agg(t, ' or ') FROM jsonb_array_elements_text(v_types) AS t));
        ELSIF v_type = 'array' AND v_field->'items' ? 'type' AND EXISTS (
            SELECT FROM jsonb_array_elements(v_value) AS item
             WHERE NOT (v_field->'items'->'type') @> to_jsonb(CASE WHEN jsonb_typeof(item) = 'number' AND (item #>> '{}')::numeric % 1 = 0
                            AND (v_field->'items'->'type') @> '"integer"' THEN 'integer' ELSE jsonb_typeof(item) END)) THEN
            v_faults := v_faults || format('%s: an item is not %s', v_key, v_field->'items'->>'type');
        ELSIF v_field ? 'enum' AND NOT (v_field->'enum') @> v_value THEN
            v_faults := v_faults || format('%s: %s is not one of %s', v_key, left(v_value::text, 60), v_field->>'enum');
        ELSIF v_type IN ('integer', 'number') AND ((v_value #>> '{}')::numeric < (v_field->>'minimum')::numeric
                                               OR (v_value #>> '{}')::numeric > (v_field->>'maximum')::numeric) THEN
            v_faults := v_faults || format('%s: %s is not from %s to %s', v_key, v_value, v_field->>'minimum', v_field->>'maximum');
        END IF;
    END LOOP;
    RETURN coalesce(v_faults, '{}');
END
$$;

-- Turns an event into runs inside the caller's transaction, and answers with their ids: commit, and the handlers run;
-- roll back, and it was never told. An event id that was told before answers with the runs of then and does nothing.
CREATE FUNCTION jobplatform.emit_event(type text, payload jsonb DEFAULT '{}', event_id text DEFAULT NULL)
RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobplatform, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_type   event_types;
    v_id     bigint;
    v_faults text[];
    v_runs   uuid[];
BEGIN
    SELECT * INTO v_type FROM event_types t WHERE t.name = emit_event.type;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'type: "%" is no event type', emit_event.type
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Known: ' || coalesce((SELECT string_agg(name, ', ' ORDER BY name) FROM event_types), 'none; run jobplatform init first') || '.';
    END IF;
    IF jsonb_typeof(emit_event.payload) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'payload: a JSON % is not an object', coalesce(jsonb_typeof(emit_event.payload), 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Its fields: ' || (v_type.schema->>'properties');
    END IF;
    v_faults := event_faults(v_type.schema, emit_event.payload);
    IF cardinality(v_faults) > 0 THEN
        RAISE EXCEPTION 'payload: % (%)', array_to_string(v_faults, '; '), emit_event.type
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Its fields: ' || (v_type.schema->>'properties');
    END IF;
    -- The row first: of two that tell the same event at once, the second waits here for the first.
    INSERT INTO events (event_id, type, payload, emitted_by, run_ids)
    VALUES (emit_event.event_id, emit_event.type, emit_event.payload, left(session_user, 200), '{}')
    ON CONFLICT (event_id) DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN (SELECT e.run_ids FROM events e WHERE e.event_id = emit_event.event_id);
    END IF;
    WITH made AS (
        INSERT INTO job_runs (id, job_id, job_version, trigger, triggered_by, run_at, queue, priority, limited, payload)
        SELECT uuid_v7(), j.id, j.version, 'event', emit_event.type, now(), j.queue, j.priority, j.overlap_policy <> 'allow', emit_event.payload
          FROM jobs j WHERE j.handler = ANY(v_type.handlers) AND j.is_enabled
        RETURNING id)
    SELECT coalesce(array_agg(id), '{}') INTO v_runs FROM made;
    IF cardinality(v_runs) > 0 THEN
        UPDATE events e SET run_ids = v_runs WHERE e.id = v_id;
        PERFORM pg_notify('jobplatform', 'runs');
    END IF;
    RETURN v_runs;
END
$$;
