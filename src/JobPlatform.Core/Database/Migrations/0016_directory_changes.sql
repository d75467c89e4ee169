-- An LDAP directory need not be read whole each time: of the users that have not changed there only the id is read.
-- An older version of the platform reads all beside it: what it finds in the tables of a read it throws away first.
ALTER TABLE jobplatform.directory_users ADD COLUMN directory_changed_at timestamptz;
COMMENT ON COLUMN jobplatform.directory_users.directory_changed_at IS
    'When it last changed there, by the clock of the directory; null where that is not told, and of one that is gone.';

ALTER TABLE jobplatform.directory_connections
    ADD COLUMN read_whole_at      timestamptz,
    ADD COLUMN read_whole_version integer;
COMMENT ON COLUMN jobplatform.directory_connections.read_whole_version IS 'The version of the definition by which all was last read, at read_whole_at.';

ALTER TABLE jobplatform.directory_read_users
    ADD COLUMN directory_changed_at timestamptz,
    ALTER COLUMN user_name DROP NOT NULL;
COMMENT ON COLUMN jobplatform.directory_read_users.user_name IS 'Null while it is only known that there is such a user.';
