-- types: omni.epc, an Electronic Product Code as an RFID tag holds it.
--
-- Functions of the type keep EXECUTE for PUBLIC; see amount.sql.

CREATE TYPE omni.epc;

CREATE FUNCTION omni.epc_in(cstring) RETURNS omni.epc
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_in';
COMMENT ON FUNCTION omni.epc_in(cstring) IS
    'an EPC from its text';

CREATE FUNCTION omni.epc_out(omni.epc) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_out';
COMMENT ON FUNCTION omni.epc_out(omni.epc) IS
    'text of an EPC';

CREATE FUNCTION omni.epc_recv(internal) RETURNS omni.epc
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_recv';
COMMENT ON FUNCTION omni.epc_recv(internal) IS
    'an EPC from its binary form';

CREATE FUNCTION omni.epc_send(omni.epc) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_send';
COMMENT ON FUNCTION omni.epc_send(omni.epc) IS
    'binary form of an EPC';

CREATE TYPE omni.epc (
    INPUT = omni.epc_in,
    OUTPUT = omni.epc_out,
    RECEIVE = omni.epc_recv,
    SEND = omni.epc_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE omni.epc IS
    'Electronic Product Code as an RFID tag holds it (SGTIN-96): one piece of a trade item';

-- By assignment, so that INSERT ... SELECT may put text into such a column.
CREATE CAST (text AS omni.epc) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS omni.epc) IS
    'hexadecimal digits of the tag, or its tag URI';
CREATE CAST (omni.epc AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (omni.epc AS text) IS 'text of an EPC';

-- Checks, constructors, parts.

CREATE FUNCTION omni.is_epc(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_is';
COMMENT ON FUNCTION omni.is_epc(text) IS
    'would this text be taken as an EPC?';

CREATE FUNCTION omni.make_sgtin_96(gtin omni.gtin, serial bigint, company_digits integer,
    filter integer) RETURNS omni.epc
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_make_sgtin';
COMMENT ON FUNCTION omni.make_sgtin_96(omni.gtin, bigint, integer, integer) IS
    'EPC of one piece: GTIN, serial number, digits of the GS1 company prefix (6 to 12), filter value (0 to 7)';

CREATE FUNCTION omni.epc_from_identity(uri text, filter integer) RETURNS omni.epc
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_from_identity';
COMMENT ON FUNCTION omni.epc_from_identity(text, integer) IS
    'EPC of a pure identity, urn:epc:id:sgtin:..., and a filter value (0 to 7)';

CREATE FUNCTION omni.epc_scheme(epc omni.epc) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_scheme';
COMMENT ON FUNCTION omni.epc_scheme(omni.epc) IS
    'scheme of an EPC: sgtin-96';

CREATE FUNCTION omni.epc_gtin(epc omni.epc) RETURNS omni.gtin
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_gtin';
COMMENT ON FUNCTION omni.epc_gtin(omni.epc) IS
    'trade item of an EPC';

CREATE FUNCTION omni.epc_serial(epc omni.epc) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_serial';
COMMENT ON FUNCTION omni.epc_serial(omni.epc) IS
    'serial number of an EPC; text, as schemes to come have letters in it';

CREATE FUNCTION omni.epc_filter(epc omni.epc) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_filter';
COMMENT ON FUNCTION omni.epc_filter(omni.epc) IS
    'filter value of an EPC: 0 other, 1 point of sale, 2 full case ...';

CREATE FUNCTION omni.epc_company_prefix(epc omni.epc) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_company_prefix';
COMMENT ON FUNCTION omni.epc_company_prefix(omni.epc) IS
    'GS1 company prefix of an EPC, with its leading zeros';

CREATE FUNCTION omni.epc_tag_uri(epc omni.epc) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_tag_uri';
COMMENT ON FUNCTION omni.epc_tag_uri(omni.epc) IS
    'tag URI of an EPC: urn:epc:tag:sgtin-96:filter.company.item.serial';

CREATE FUNCTION omni.epc_identity_uri(epc omni.epc) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_identity_uri';
COMMENT ON FUNCTION omni.epc_identity_uri(omni.epc) IS
    'pure identity of an EPC, without the filter value: urn:epc:id:sgtin:company.item.serial';

-- Comparison: byte by byte, as the tag holds them.
-- Leakproof, so that a row policy does not keep an index from serving them.

CREATE FUNCTION omni.epc_eq(omni.epc, omni.epc) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_eq';
COMMENT ON FUNCTION omni.epc_eq(omni.epc, omni.epc) IS
    'equal';

CREATE FUNCTION omni.epc_ne(omni.epc, omni.epc) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_ne';
COMMENT ON FUNCTION omni.epc_ne(omni.epc, omni.epc) IS
    'not equal';

CREATE FUNCTION omni.epc_lt(omni.epc, omni.epc) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_lt';
COMMENT ON FUNCTION omni.epc_lt(omni.epc, omni.epc) IS
    'less than';

CREATE FUNCTION omni.epc_le(omni.epc, omni.epc) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_le';
COMMENT ON FUNCTION omni.epc_le(omni.epc, omni.epc) IS
    'less than or equal';

CREATE FUNCTION omni.epc_gt(omni.epc, omni.epc) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_gt';
COMMENT ON FUNCTION omni.epc_gt(omni.epc, omni.epc) IS
    'greater than';

CREATE FUNCTION omni.epc_ge(omni.epc, omni.epc) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_ge';
COMMENT ON FUNCTION omni.epc_ge(omni.epc, omni.epc) IS
    'greater than or equal';

CREATE FUNCTION omni.epc_cmp(omni.epc, omni.epc) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_cmp';
COMMENT ON FUNCTION omni.epc_cmp(omni.epc, omni.epc) IS
    'less, equal, greater: -1, 0, 1';

CREATE FUNCTION omni.epc_sortsupport(internal) RETURNS void
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_sortsupport';
COMMENT ON FUNCTION omni.epc_sortsupport(internal) IS
    'faster sorts';

CREATE FUNCTION omni.epc_hash(omni.epc) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_hash';
COMMENT ON FUNCTION omni.epc_hash(omni.epc) IS
    'hash; equal values have equal ones';

CREATE FUNCTION omni.epc_hash_extended(omni.epc, bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_epc_hash_extended';
COMMENT ON FUNCTION omni.epc_hash_extended(omni.epc, bigint) IS
    'hash of 64 bits with a seed';

CREATE OPERATOR omni.= (
    LEFTARG = omni.epc, RIGHTARG = omni.epc, FUNCTION = omni.epc_eq,
    COMMUTATOR = OPERATOR(omni.=), NEGATOR = OPERATOR(omni.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel,
    HASHES, MERGES
);
COMMENT ON OPERATOR omni.= (omni.epc, omni.epc) IS 'equal';

CREATE OPERATOR omni.<> (
    LEFTARG = omni.epc, RIGHTARG = omni.epc, FUNCTION = omni.epc_ne,
    COMMUTATOR = OPERATOR(omni.<>), NEGATOR = OPERATOR(omni.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR omni.<> (omni.epc, omni.epc) IS 'not equal';

CREATE OPERATOR omni.< (
    LEFTARG = omni.epc, RIGHTARG = omni.epc, FUNCTION = omni.epc_lt,
    COMMUTATOR = OPERATOR(omni.>), NEGATOR = OPERATOR(omni.>=),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR omni.< (omni.epc, omni.epc) IS 'less than';

CREATE OPERATOR omni.<= (
    LEFTARG = omni.epc, RIGHTARG = omni.epc, FUNCTION = omni.epc_le,
    COMMUTATOR = OPERATOR(omni.>=), NEGATOR = OPERATOR(omni.>),
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR omni.<= (omni.epc, omni.epc) IS 'less than or equal';

CREATE OPERATOR omni.> (
    LEFTARG = omni.epc, RIGHTARG = omni.epc, FUNCTION = omni.epc_gt,
    COMMUTATOR = OPERATOR(omni.<), NEGATOR = OPERATOR(omni.<=),
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR omni.> (omni.epc, omni.epc) IS 'greater than';

CREATE OPERATOR omni.>= (
    LEFTARG = omni.epc, RIGHTARG = omni.epc, FUNCTION = omni.epc_ge,
    COMMUTATOR = OPERATOR(omni.<=), NEGATOR = OPERATOR(omni.<),
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR omni.>= (omni.epc, omni.epc) IS 'greater than or equal';

CREATE OPERATOR CLASS omni.epc_btree_ops DEFAULT FOR TYPE omni.epc USING btree AS
    OPERATOR 1 omni.<,
    OPERATOR 2 omni.<=,
    OPERATOR 3 omni.=,
    OPERATOR 4 omni.>=,
    OPERATOR 5 omni.>,
    FUNCTION 1 omni.epc_cmp(omni.epc, omni.epc),
    FUNCTION 2 omni.epc_sortsupport(internal),
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS omni.epc_btree_ops USING btree IS 'order of omni.epc';
COMMENT ON OPERATOR FAMILY omni.epc_btree_ops USING btree IS 'order of omni.epc';

CREATE OPERATOR CLASS omni.epc_hash_ops DEFAULT FOR TYPE omni.epc USING hash AS
    OPERATOR 1 omni.=,
    FUNCTION 1 omni.epc_hash(omni.epc),
    FUNCTION 2 omni.epc_hash_extended(omni.epc, bigint);
COMMENT ON OPERATOR CLASS omni.epc_hash_ops USING hash IS 'equality of omni.epc';
COMMENT ON OPERATOR FAMILY omni.epc_hash_ops USING hash IS 'equality of omni.epc';

-- Rights.

REVOKE ALL ON FUNCTION
    omni.is_epc(text),
    omni.epc_sortsupport(internal)
    FROM PUBLIC;
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.is_epc}');
