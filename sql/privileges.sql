-- Nothing for PUBLIC: what a role without any profile can reach.
SELECT nspname, has_schema_privilege('public', oid, 'CREATE') AS "create"
  FROM pg_namespace WHERE nspname LIKE 'omni%' ORDER BY 1;

-- Functions that PUBLIC may execute: the custom types' own alone (those that
-- work on omni's types, or are part of one).
SELECT p.oid::regprocedure
  FROM pg_proc p
 WHERE p.pronamespace IN ('omni'::regnamespace, 'omni_internal'::regnamespace)
   AND has_function_privilege('public', p.oid, 'EXECUTE')
   AND NOT EXISTS (
       SELECT FROM pg_type t
        WHERE p.provolatile <> 'v' AND t.typname IN ('amount', 'gtin', 'epc')
          AND t.typnamespace = 'omni'::regnamespace
          AND (t.oid = ANY (p.proargtypes::oid[])
               OR t.typarray = ANY (p.proargtypes::oid[])
               OR p.prorettype IN (t.oid, t.typarray)
               OR p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend,
                            t.typmodin, t.typmodout, t.typanalyze)))
 ORDER BY 1;

-- Relations on which PUBLIC has any right.
SELECT c.oid::regclass, a.privilege_type
  FROM pg_class c
 CROSS JOIN LATERAL aclexplode(c.relacl) AS a
 WHERE c.relnamespace IN ('omni'::regnamespace, 'omni_internal'::regnamespace)
   AND a.grantee = 0
 ORDER BY 1, 2;
SELECT attrelid::regclass, attname, a.privilege_type
  FROM pg_attribute
  JOIN pg_class c ON c.oid = attrelid
 CROSS JOIN LATERAL aclexplode(attacl) AS a
 WHERE c.relnamespace IN ('omni'::regnamespace, 'omni_internal'::regnamespace)
   AND a.grantee = 0
 ORDER BY 1, 2, 3;

-- What lends its owner's rights pins its search_path.
SELECT oid::regprocedure, proconfig
  FROM pg_proc
 WHERE pronamespace IN ('omni'::regnamespace, 'omni_internal'::regnamespace)
   AND prosecdef
   AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)
 ORDER BY 1;
