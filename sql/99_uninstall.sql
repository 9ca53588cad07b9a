-- The extension goes, and nothing of it stays.
SET client_min_messages = notice;
DROP EXTENSION omni;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'omni%';
SELECT typname FROM pg_type WHERE typname IN ('amount', 'gtin', 'epc');
SELECT evtname FROM pg_event_trigger;
SELECT count(*) FROM pg_depend
 WHERE refclassid = 'pg_namespace'::regclass
   AND refobjid NOT IN (SELECT oid FROM pg_namespace);

-- And it comes again.
CREATE EXTENSION omni;
DROP EXTENSION omni;

-- A schema that somebody planted is not taken over.
CREATE SCHEMA omni;
CREATE EXTENSION omni;
DROP SCHEMA omni;
CREATE SCHEMA omni_internal;
CREATE EXTENSION omni;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'omni%';
DROP SCHEMA omni_internal;
