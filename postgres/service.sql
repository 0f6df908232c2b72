-- One service's roles, schema and rights: its owner role migrates, its run-time role reads and writes rows of its own
-- schema, cannot run DDL and sees no other schema. Running it again changes nothing but the passwords.
--
-- Plain SQL for PostgreSQL 15 or newer, so that every client can run it. Its parameters are settings of the same
-- transaction:
--   SELECT set_config('vitrine.service', 'users', true),
--          set_config('vitrine.owner_password', '…', true), set_config('vitrine.app_password', '…', true);
--
-- Raises duplicate_schema where the schema belongs to somebody else already.

DO $provision$
DECLARE
    service CONSTANT text := current_setting('vitrine.service');
    owner_role CONSTANT text := service || '_owner';
    app_role CONSTANT text := service || '_app';
    passwords CONSTANT text[] := ARRAY[current_setting('vitrine.owner_password'), current_setting('vitrine.app_password')];
    is_superuser CONSTANT boolean := (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
    roles CONSTANT text[] := ARRAY[owner_role, app_role];
    holder text;
    extension text;
BEGIN
    IF service !~ '^[a-z][a-z0-9_]*$' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%L is no name of a service', service);
    END IF;
    IF '' = ANY (passwords) THEN
        RAISE invalid_password USING MESSAGE = format('the roles of %s need passwords', service);
    END IF;
    PERFORM set_config('client_min_messages', 'warning', true);  -- "already exists" is no news here
    PERFORM pg_advisory_xact_lock(hashtext('vitrine:provision'));
    IF is_superuser THEN
        -- The statements below carry passwords: they must not reach the server's log, not even when one fails.
        PERFORM set_config('log_statement', 'none', true), set_config('log_min_duration_statement', '-1', true),
            set_config('log_min_error_statement', 'panic', true), set_config('log_error_verbosity', 'terse', true);
    END IF;

    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    IF (SELECT pg_has_role(current_user, nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public') THEN
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    END IF;
    CREATE SCHEMA IF NOT EXISTS extensions;

    FOR i IN 1 .. 2 LOOP
        EXECUTE format(
            '%s ROLE %I LOGIN NOCREATEDB NOCREATEROLE INHERIT PASSWORD %L',
            CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = roles[i]) THEN 'ALTER' ELSE 'CREATE' END,
            roles[i], passwords[i]
        );
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), roles[i]);
        EXECUTE format('GRANT USAGE ON SCHEMA extensions TO %I', roles[i]);
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %I', roles[i], current_database(), service);
    END LOOP;
    IF NOT is_superuser THEN
        EXECUTE format('GRANT %I TO %I', owner_role, current_user);
    END IF;

    SELECT pg_get_userbyid(nspowner) INTO holder FROM pg_namespace WHERE nspname = service;
    IF holder IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', service, owner_role);
    ELSIF holder <> owner_role THEN
        RAISE duplicate_schema USING MESSAGE = format(
            'the database has a schema %I already, and it belongs to %I', service, holder
        );
    END IF;
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', service);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service, app_role);

    EXECUTE format(
        'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I',
        owner_role, service, app_role
    );
    EXECUTE format(
        'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO %I',
        owner_role, service, app_role
    );
    EXECUTE format(
        'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT EXECUTE ON FUNCTIONS TO %I', owner_role, service, app_role
    );
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC', owner_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', service, app_role);
    EXECUTE format('GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA %I TO %I', service, app_role);

    -- Faster and more forgiving search where the server has them; the services do without where it has not.
    FOREACH extension IN ARRAY ARRAY['pg_trgm', 'unaccent'] LOOP
        BEGIN
            EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA extensions', extension);
        EXCEPTION WHEN undefined_file OR feature_not_supported OR insufficient_privilege THEN
            RAISE WARNING 'the extension % cannot be installed here', extension;
        END;
    END LOOP;
END
$provision$;
