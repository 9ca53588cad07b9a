-- The extension installs without a word, and makes its two schemas.
SET client_min_messages = notice;
CREATE EXTENSION omni;
SELECT extrelocatable, extnamespace::regnamespace
  FROM pg_extension WHERE extname = 'omni';
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'omni%' ORDER BY 1;

-- Everything that it made stands in one of them, or carries its name where
-- there are no schemas; casts have neither.
SELECT identity.type, identity.identity
  FROM pg_depend
 CROSS JOIN LATERAL pg_identify_object(classid, objid, objsubid) AS identity
 WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
   AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'omni')
   AND identity.type NOT IN ('schema', 'cast')
   AND coalesce(identity.schema, '') NOT IN ('omni', 'omni_internal')
   AND identity.identity NOT LIKE 'omni\_%'
   AND identity.identity NOT LIKE '%on omni.%'
   AND identity.identity NOT LIKE '%on omni_internal.%'
 ORDER BY 1, 2;

-- It cannot be moved, and not be made a second time.
ALTER EXTENSION omni SET SCHEMA public;
CREATE EXTENSION omni;
