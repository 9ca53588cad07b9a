-- types: omni.gtin, a Global Trade Item Number with its check digit.
--
-- Functions of the type keep EXECUTE for PUBLIC; see amount.sql.

CREATE TYPE omni.gtin;

CREATE FUNCTION omni.gtin_in(cstring) RETURNS omni.gtin
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_in';
COMMENT ON FUNCTION omni.gtin_in(cstring) IS
    'a GTIN from its text';

CREATE FUNCTION omni.gtin_out(omni.gtin) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_out';
COMMENT ON FUNCTION omni.gtin_out(omni.gtin) IS
    'text of a GTIN';

CREATE FUNCTION omni.gtin_recv(internal) RETURNS omni.gtin
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_recv';
COMMENT ON FUNCTION omni.gtin_recv(internal) IS
    'a GTIN from its binary form';

CREATE FUNCTION omni.gtin_send(omni.gtin) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_send';
COMMENT ON FUNCTION omni.gtin_send(omni.gtin) IS
    'binary form of a GTIN';

CREATE TYPE omni.gtin (
    INPUT = omni.gtin_in,
    OUTPUT = omni.gtin_out,
    RECEIVE = omni.gtin_recv,
    SEND = omni.gtin_send,
    LIKE = pg_catalog.int8
);
COMMENT ON TYPE omni.gtin IS
    'Global Trade Item Number (GTIN-8, -12, -13 or -14) with its check digit; leading zeros do not count';

-- By assignment, so that INSERT ... SELECT may put text into such a column.
CREATE CAST (text AS omni.gtin) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS omni.gtin) IS
    '8, 12, 13 or 14 digits with a right check digit';
CREATE CAST (omni.gtin AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (omni.gtin AS text) IS 'text of a GTIN';

-- Checks and forms.

CREATE FUNCTION omni.is_gtin(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_is';
COMMENT ON FUNCTION omni.is_gtin(text) IS
    'would this text be taken as a GTIN?';

CREATE FUNCTION omni.gtin_14(gtin omni.gtin) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_14';
COMMENT ON FUNCTION omni.gtin_14(omni.gtin) IS
    'GTIN with all its 14 digits';

CREATE FUNCTION omni.gs1_check_digit(digits text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_check_digit';
COMMENT ON FUNCTION omni.gs1_check_digit(text) IS
    'check digit that belongs behind these digits (GTIN, SSCC, GLN and others of GS1)';

-- Comparison: as the number that the 14 digits write.
-- Leakproof, so that a row policy does not keep an index from serving them.

CREATE FUNCTION omni.gtin_eq(omni.gtin, omni.gtin) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_eq';
COMMENT ON FUNCTION omni.gtin_eq(omni.gtin, omni.gtin) IS
    'equal';

CREATE FUNCTION omni.gtin_ne(omni.gtin, omni.gtin) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_ne';
COMMENT ON FUNCTION omni.gtin_ne(omni.gtin, omni.gtin) IS
    'not equal';

CREATE FUNCTION omni.gtin_lt(omni.gtin, omni.gtin) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_lt';
COMMENT ON FUNCTION omni.gtin_lt(omni.gtin, omni.gtin) IS
    'less than';

CREATE FUNCTION omni.gtin_le(omni.gtin, omni.gtin) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_le';
COMMENT ON FUNCTION omni.gtin_le(omni.gtin, omni.gtin) IS
    'less than or equal';

CREATE FUNCTION omni.gtin_gt(omni.gtin, omni.gtin) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_gt';
COMMENT ON FUNCTION omni.gtin_gt(omni.gtin, omni.gtin) IS
    'greater than';

CREATE FUNCTION omni.gtin_ge(omni.gtin, omni.gtin) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_ge';
COMMENT ON FUNCTION omni.gtin_ge(omni.gtin, omni.gtin) IS
    'greater than or equal';

CREATE FUNCTION omni.gtin_cmp(omni.gtin, omni.gtin) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_cmp';
COMMENT ON FUNCTION omni.gtin_cmp(omni.gtin, omni.gtin) IS
    'less, equal, greater: -1, 0, 1';

CREATE FUNCTION omni.gtin_sortsupport(internal) RETURNS void
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_sortsupport';
COMMENT ON FUNCTION omni.gtin_sortsupport(internal) IS
    'faster sorts';

CREATE FUNCTION omni.gtin_hash(omni.gtin) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_hash';
COMMENT ON FUNCTION omni.gtin_hash(omni.gtin) IS
    'hash; equal values have equal ones';

CREATE FUNCTION omni.gtin_hash_extended(omni.gtin, bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_gtin_hash_extended';
COMMENT ON FUNCTION omni.gtin_hash_extended(omni.gtin, bigint) IS
    'hash of 64 bits with a seed';

CREATE OPERATOR omni.= (
    LEFTARG = omni.gtin, RIGHTARG = omni.gtin, FUNCTION = omni.gtin_eq,
    COMMUTATOR = OPERATOR(omni.=), NEGATOR = OPERATOR(omni.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel,
    HASHES, MERGES
);
COMMENT ON OPERATOR omni.= (omni.gtin, omni.gtin) IS 'equal';

CREATE OPERATOR omni.<> (
    LEFTARG = omni.gtin, RIGHTARG = omni.gtin, FUNCTION = omni.gtin_ne,
    COMMUTATOR = OPERATOR(omni.<>), NEGATOR = OPERATOR(omni.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR omni.<> (omni.gtin, omni.gtin) IS 'not equal';

CREATE OPERATOR omni.< (
    LEFTARG = omni.gtin, RIGHTARG = omni.gtin, FUNCTION = omni.gtin_lt,
    COMMUTATOR = OPERATOR(omni.>), NEGATOR = OPERATOR(omni.>=),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR omni.< (omni.gtin, omni.gtin) IS 'less than';

CREATE OPERATOR omni.<= (
    LEFTARG = omni.gtin, RIGHTARG = omni.gtin, FUNCTION = omni.gtin_le,
    COMMUTATOR = OPERATOR(omni.>=), NEGATOR = OPERATOR(omni.>),
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR omni.<= (omni.gtin, omni.gtin) IS 'less than or equal';

CREATE OPERATOR omni.> (
    LEFTARG = omni.gtin, RIGHTARG = omni.gtin, FUNCTION = omni.gtin_gt,
    COMMUTATOR = OPERATOR(omni.<), NEGATOR = OPERATOR(omni.<=),
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR omni.> (omni.gtin, omni.gtin) IS 'greater than';

CREATE OPERATOR omni.>= (
    LEFTARG = omni.gtin, RIGHTARG = omni.gtin, FUNCTION = omni.gtin_ge,
    COMMUTATOR = OPERATOR(omni.<=), NEGATOR = OPERATOR(omni.<),
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR omni.>= (omni.gtin, omni.gtin) IS 'greater than or equal';

CREATE OPERATOR CLASS omni.gtin_btree_ops DEFAULT FOR TYPE omni.gtin USING btree AS
    OPERATOR 1 omni.<,
    OPERATOR 2 omni.<=,
    OPERATOR 3 omni.=,
    OPERATOR 4 omni.>=,
    OPERATOR 5 omni.>,
    FUNCTION 1 omni.gtin_cmp(omni.gtin, omni.gtin),
    FUNCTION 2 omni.gtin_sortsupport(internal),
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS omni.gtin_btree_ops USING btree IS 'order of omni.gtin';
COMMENT ON OPERATOR FAMILY omni.gtin_btree_ops USING btree IS 'order of omni.gtin';

CREATE OPERATOR CLASS omni.gtin_hash_ops DEFAULT FOR TYPE omni.gtin USING hash AS
    OPERATOR 1 omni.=,
    FUNCTION 1 omni.gtin_hash(omni.gtin),
    FUNCTION 2 omni.gtin_hash_extended(omni.gtin, bigint);
COMMENT ON OPERATOR CLASS omni.gtin_hash_ops USING hash IS 'equality of omni.gtin';
COMMENT ON OPERATOR FAMILY omni.gtin_hash_ops USING hash IS 'equality of omni.gtin';

-- Rights.

REVOKE ALL ON FUNCTION
    omni.is_gtin(text),
    omni.gs1_check_digit(text),
    omni.gtin_sortsupport(internal)
    FROM PUBLIC;
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.is_gtin,omni.gs1_check_digit}');
