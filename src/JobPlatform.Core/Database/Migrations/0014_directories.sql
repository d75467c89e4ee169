-- Users and groups of companies, as their own directories (LDAP, SCIM) have them.
CREATE TABLE jobplatform.directory_connections (
    id                uuid PRIMARY KEY,
    company           text NOT NULL CHECK (length(company) BETWEEN 1 AND 100),
    name              text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    kind              text NOT NULL CHECK (kind IN ('ldap', 'scim')),
    url               text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    ldap              jsonb CHECK (jsonb_typeof(ldap) = 'object'),
    page_size         integer NOT NULL DEFAULT 200 CHECK (page_size BETWEEN 1 AND 1000),
    interval_minutes  integer NOT NULL DEFAULT 60 CHECK (interval_minutes BETWEEN 60 AND 43200),
    is_enabled        boolean NOT NULL DEFAULT true,
    secret_encrypted  bytea,
    secret_changed_at timestamptz,
    version           integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    -- What became of the last sync; no change of the definition.
    last_run_id       uuid,
    last_started_at   timestamptz,
    last_success_at   timestamptz,
    last_result       jsonb CHECK (jsonb_typeof(last_result) = 'object'),
    UNIQUE (company, name),
    CONSTRAINT directory_connections_ldap_has_settings CHECK ((kind = 'ldap') = (ldap IS NOT NULL)),
    CONSTRAINT directory_connections_secret_has_date CHECK ((secret_encrypted IS NULL) = (secret_changed_at IS NULL))
);
COMMENT ON COLUMN jobplatform.directory_connections.secret_encrypted IS
    'Sealed for this row and the scheme, host and port of the URL: it opens for no other, so that a URL changed by SQL sends it nowhere.';

-- A user keeps its row, whatever it is renamed to, and when it is gone; what belongs to it stays its own when it returns.
CREATE TABLE jobplatform.directory_users (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id  uuid NOT NULL REFERENCES jobplatform.directory_connections ON DELETE CASCADE,
    external_id    text NOT NULL,
    user_name      text NOT NULL,
    email          text,
    given_name     text,
    family_name    text,
    display_name   text,
    deactivated_at timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (connection_id, external_id)
);
COMMENT ON COLUMN jobplatform.directory_users.external_id IS 'The id that the directory never changes: entryUUID or objectGUID, or the SCIM id.';
COMMENT ON COLUMN jobplatform.directory_users.deactivated_at IS 'Since when the directory has no such user, or none that is active; null while it has.';

CREATE TABLE jobplatform.directory_groups (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id  uuid NOT NULL REFERENCES jobplatform.directory_connections ON DELETE CASCADE,
    external_id    text NOT NULL,
    name           text NOT NULL,
    deactivated_at timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (connection_id, external_id)
);

CREATE TABLE jobplatform.directory_memberships (
    user_id  bigint NOT NULL REFERENCES jobplatform.directory_users ON DELETE CASCADE,
    group_id bigint NOT NULL REFERENCES jobplatform.directory_groups ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX directory_memberships_of_group ON jobplatform.directory_memberships (group_id);
COMMENT ON TABLE jobplatform.directory_memberships IS 'Who is in which group, be it through groups within groups.';

-- What a run has read so far. Unlogged, all of it: a crash empties these together, and the run reads anew.
CREATE UNLOGGED TABLE jobplatform.directory_reads (
    connection_id uuid PRIMARY KEY,
    run_id        uuid NOT NULL,
    fence         bigint NOT NULL,
    version       integer NOT NULL,
    phase         text NOT NULL DEFAULT 'users' CHECK (phase IN ('users', 'groups', 'merge')),
    position      text
);
COMMENT ON COLUMN jobplatform.directory_reads.position IS 'Where the next page begins, in the words of the directory; null for the first.';

CREATE UNLOGGED TABLE jobplatform.directory_read_users (
    connection_id uuid NOT NULL,
    external_id   text NOT NULL,
    reference     text NOT NULL,
    user_name     text NOT NULL,
    email         text,
    given_name    text,
    family_name   text,
    display_name  text,
    is_active     boolean NOT NULL,
    PRIMARY KEY (connection_id, external_id)
);
COMMENT ON COLUMN jobplatform.directory_read_users.reference IS 'How groups name it: its DN, or its id.';

CREATE UNLOGGED TABLE jobplatform.directory_read_groups (
    connection_id uuid NOT NULL,
    external_id   text NOT NULL,
    reference     text NOT NULL,
    name          text NOT NULL,
    PRIMARY KEY (connection_id, external_id)
);

CREATE UNLOGGED TABLE jobplatform.directory_read_members (
    connection_id uuid NOT NULL,
    group_id      text NOT NULL,
    reference     text NOT NULL,
    PRIMARY KEY (connection_id, group_id, reference)
);
