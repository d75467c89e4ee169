-- Sessions that end on every web node when somebody signs out, and the networks that an account is known to come from.
CREATE TABLE jobplatform.admin_sessions (
    id             uuid PRIMARY KEY,
    admin_id       bigint NOT NULL REFERENCES jobplatform.admin_users (id) ON DELETE CASCADE,
    security_stamp uuid NOT NULL,
    started_at     timestamptz NOT NULL
);
COMMENT ON TABLE jobplatform.admin_sessions IS 'Sign-ins that have not ended; a cookie without its row, or of an earlier stamp of its account, is worth nothing.';
CREATE INDEX admin_sessions_by_start ON jobplatform.admin_sessions (started_at);
CREATE INDEX admin_sessions_by_admin ON jobplatform.admin_sessions (admin_id);

CREATE TABLE jobplatform.admin_networks (
    admin_id        bigint NOT NULL REFERENCES jobplatform.admin_users (id) ON DELETE CASCADE,
    network         text NOT NULL,
    last_sign_in_at timestamptz NOT NULL,
    PRIMARY KEY (admin_id, network)
);
COMMENT ON TABLE jobplatform.admin_networks IS 'Where an account signed in from lately: guesses made elsewhere do not lock it out there.';

COMMENT ON TABLE jobplatform.sign_in_attempts IS 'Sign-ins tried since a time: per address, per account and network, and per account from networks that it is not known to come from.';
