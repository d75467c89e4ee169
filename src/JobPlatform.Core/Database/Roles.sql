-- Rights of the two roles. Run after every migration, as the owner; idempotent.
--   jobplatform_service  runs the platform: GRANT jobplatform_service TO the login that the server uses
--   jobplatform_app      is for applications: it may call the functions and read the tables below, and nothing else
REVOKE ALL ON SCHEMA jobplatform FROM PUBLIC;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA jobplatform FROM PUBLIC;

GRANT USAGE ON SCHEMA jobplatform TO jobplatform_service, jobplatform_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobplatform TO jobplatform_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobplatform TO jobplatform_service;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobplatform TO jobplatform_service;
-- What happened stays as it was written down.
REVOKE UPDATE, DELETE ON jobplatform.admin_logs, jobplatform.erasure_evidence FROM jobplatform_service;
REVOKE INSERT, UPDATE, DELETE ON jobplatform.migrations FROM jobplatform_service;

GRANT EXECUTE ON FUNCTION
    jobplatform.emit_event(text, jsonb, text),
    jobplatform.enqueue_job(text, jsonb, timestamptz, text),
    jobplatform.enqueue_email(text, text, text, text, timestamptz, text, text, text[], integer)
    TO jobplatform_app;

GRANT SELECT ON jobplatform.directory_users, jobplatform.directory_groups, jobplatform.directory_memberships TO jobplatform_app;
