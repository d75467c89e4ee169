-- Sessions that several web nodes share, their end when an account changes, and the brake on guessed passwords.
CREATE TABLE jobplatform.data_protection_keys (
    id         text PRIMARY KEY,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE jobplatform.data_protection_keys IS 'The keys of cookies, sealed under JOBS_SECRET_KEY.';

-- Also for changes by SQL: whoever holds a session of the account as it was has to sign in again.
CREATE FUNCTION jobplatform.renew_security_stamp()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.security_stamp := gen_random_uuid();
    RETURN NEW;
END
$$;
CREATE TRIGGER admin_users_stamp BEFORE UPDATE ON jobplatform.admin_users FOR EACH ROW
    WHEN ((OLD.email, OLD.password_hash, OLD.role, OLD.is_disabled) IS DISTINCT FROM (NEW.email, NEW.password_hash, NEW.role, NEW.is_disabled))
    EXECUTE FUNCTION jobplatform.renew_security_stamp();

-- Unlogged: a crash forgets some minutes of counting, and nothing else.
CREATE UNLOGGED TABLE jobplatform.sign_in_attempts (
    key   text PRIMARY KEY,
    count integer NOT NULL,
    since timestamptz NOT NULL
);
COMMENT ON TABLE jobplatform.sign_in_attempts IS 'Sign-ins tried since a time, per address and per account.';
CREATE INDEX sign_in_attempts_by_time ON jobplatform.sign_in_attempts (since);
