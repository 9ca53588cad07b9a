-- The types as the catalog has them: operator classes, operators, aggregates,
-- casts.
SELECT t.oid::regtype AS type, typlen, typbyval, typalign, typstorage
  FROM pg_type AS t
 WHERE typnamespace = 'omni'::regnamespace
   AND typname IN ('amount', 'epc', 'gtin')
 ORDER BY 1;

-- Every operator class is complete, by the server's own judgement, and is the
-- default.
SELECT opcname, amname, opcdefault, amvalidate(c.oid)
  FROM pg_opclass AS c JOIN pg_am AS m ON m.oid = opcmethod
 WHERE opcintype IN ('omni.amount'::regtype, 'omni.epc'::regtype, 'omni.gtin'::regtype)
 ORDER BY 1;
SELECT amproclefttype::regtype AS type, amname, amprocnum, amproc
  FROM pg_amproc JOIN pg_opfamily AS f ON f.oid = amprocfamily
  JOIN pg_am AS m ON m.oid = opfmethod
 WHERE amproclefttype IN ('omni.amount'::regtype, 'omni.epc'::regtype, 'omni.gtin'::regtype)
 ORDER BY 1, 2, 3;

SELECT o.oid::regoperator AS operator, oprresult::regtype AS result,
       oprcom::regoperator AS commutator, oprnegate::regoperator AS negator,
       oprrest, oprjoin, oprcanhash, oprcanmerge
  FROM pg_operator AS o
 WHERE oprnamespace = 'omni'::regnamespace
   AND (oprleft IN ('omni.amount'::regtype, 'omni.epc'::regtype, 'omni.gtin'::regtype)
        OR oprright IN ('omni.amount'::regtype, 'omni.epc'::regtype, 'omni.gtin'::regtype))
 ORDER BY oprname COLLATE "C", oprleft::regtype::text COLLATE "C",
       oprright::regtype::text COLLATE "C";

SELECT aggfnoid::regprocedure, aggtransfn, aggcombinefn, aggserialfn,
       aggdeserialfn, aggminvtransfn, aggsortop::regoperator, proparallel
  FROM pg_aggregate JOIN pg_proc AS p ON p.oid = aggfnoid
 WHERE pronamespace = 'omni'::regnamespace
 ORDER BY aggfnoid::text COLLATE "C";

SELECT castsource::regtype, casttarget::regtype, castcontext, castmethod
  FROM pg_cast
 WHERE castsource IN ('omni.amount'::regtype, 'omni.epc'::regtype, 'omni.gtin'::regtype)
    OR casttarget IN ('omni.amount'::regtype, 'omni.epc'::regtype, 'omni.gtin'::regtype)
 ORDER BY castsource::regtype::text COLLATE "C", casttarget::regtype::text COLLATE "C";

-- All their functions are immutable and parallel safe; strict but for the
-- steps of sum().
SELECT p.oid::regprocedure, provolatile, proisstrict, proparallel
  FROM pg_proc AS p
 WHERE pronamespace = 'omni'::regnamespace AND prokind = 'f'
   AND probin IS NOT NULL AND prosrc LIKE 'omni\_types\_%'
   AND (provolatile <> 'i' OR NOT proisstrict OR proparallel <> 's')
 ORDER BY p.oid::regprocedure::text COLLATE "C";

-- What compares is leakproof: row policies do not keep an index from it.
SELECT p.oid::regprocedure
  FROM pg_proc AS p
 WHERE pronamespace = 'omni'::regnamespace AND NOT proleakproof
   AND proname ~ '^(amount|epc|gtin)_(eq|ne|lt|le|gt|ge|cmp)$';
