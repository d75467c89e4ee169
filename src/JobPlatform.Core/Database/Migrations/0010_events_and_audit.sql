-- What a value is in words of JSON Schema. A number is an integer only where that is asked for, and a handler can read it
-- as one: written without a point, of 64 bits. An event with another would be taken and only fail its runs.
CREATE FUNCTION jobplatform.json_kind(p_value jsonb, p_types jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = jobplatform, pg_temp
AS $$
    SELECT CASE WHEN jsonb_typeof(p_value) = 'number' AND p_types @> '"integer"' AND scale((p_value #>> '{}')::numeric) = 0
                     AND (p_value #>> '{}')::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
                THEN 'integer' ELSE jsonb_typeof(p_value) END
$$;

-- What does not fit: one sentence a fault. It knows the part of JSON Schema that the platform writes for flat records.
CREATE OR REPLACE FUNCTION jobplatform.event_faults(p_schema jsonb, p_payload jsonb) RETURNS text[]
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
        v_type := json_kind(v_value, v_types);
        IF NOT v_types ? v_type THEN
            v_faults := v_faults || format('%s: %s is not %s', v_key, left(v_value::text, 60),
                                           (SELECT string_agg(t, ' or ') FROM jsonb_array_elements_text(v_types) AS t));
        ELSIF v_type = 'array' AND v_field->'items' ? 'type' AND EXISTS (
            SELECT FROM jsonb_array_elements(v_value) AS item
             WHERE NOT (v_field->'items'->'type') @> to_jsonb(json_kind(item, v_field->'items'->'type'))) THEN
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

-- As every purge: what somebody holds is left to the next one.
CREATE OR REPLACE FUNCTION jobplatform.purge_admin_logs(p_before timestamptz, p_limit integer)
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
        (SELECT id FROM admin_logs WHERE created_at < p_before ORDER BY created_at, id LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END
$$;
