-- types: omni.amount, exact money with its currency.
--
-- Functions of the type keep EXECUTE for PUBLIC: whoever may read a column of
-- the type may use it.  Those that only the server calls, or that take none of
-- omni's types, do not: see the end.

CREATE TYPE omni.amount;

CREATE FUNCTION omni.amount_in(cstring) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_in';
COMMENT ON FUNCTION omni.amount_in(cstring) IS
    'an amount from its text';

CREATE FUNCTION omni.amount_out(omni.amount) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_out';
COMMENT ON FUNCTION omni.amount_out(omni.amount) IS
    'text of an amount';

CREATE FUNCTION omni.amount_recv(internal) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_recv';
COMMENT ON FUNCTION omni.amount_recv(internal) IS
    'an amount from its binary form';

CREATE FUNCTION omni.amount_send(omni.amount) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_send';
COMMENT ON FUNCTION omni.amount_send(omni.amount) IS
    'binary form of an amount';

CREATE TYPE omni.amount (
    INPUT = omni.amount_in,
    OUTPUT = omni.amount_out,
    RECEIVE = omni.amount_recv,
    SEND = omni.amount_send,
    INTERNALLENGTH = 16,
    ALIGNMENT = double,
    STORAGE = plain
);
COMMENT ON TYPE omni.amount IS
    'exact money with its currency, as in ''USD 12.34''';

-- By assignment, so that INSERT ... SELECT may put text into such a column.
CREATE CAST (text AS omni.amount) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS omni.amount) IS
    'three capital letters, one space, a decimal number: ''USD 12.34''';
CREATE CAST (omni.amount AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (omni.amount AS text) IS 'text of an amount';

-- Currencies, constructors, parts.

CREATE FUNCTION omni.currency_exponent(currency text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_currency_decimals';
COMMENT ON FUNCTION omni.currency_exponent(text) IS
    'decimals of a currency (ISO 4217); error if there is none such, or no amount can be in it';

CREATE FUNCTION omni.is_currency(currency text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_currency_is';
COMMENT ON FUNCTION omni.is_currency(text) IS
    'can amounts be in this currency (ISO 4217, historic ones included)?';

CREATE FUNCTION omni.currencies(OUT code text, OUT exponent integer)
    RETURNS SETOF record
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 307
    AS 'MODULE_PATHNAME', 'omni_types_currencies';
COMMENT ON FUNCTION omni.currencies() IS
    'every currency of ISO 4217, historic ones included; a null exponent where no amount can be in it';

CREATE FUNCTION omni.amount(value numeric, currency text) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_exact';
COMMENT ON FUNCTION omni.amount(numeric, text) IS
    'that value of the currency, exactly; error if it has more decimals';

CREATE FUNCTION omni.round_amount(value numeric, currency text) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_round';
COMMENT ON FUNCTION omni.round_amount(numeric, text) IS
    'the value rounded to the currency''s decimals, half to even';

CREATE FUNCTION omni.is_amount(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_is';
COMMENT ON FUNCTION omni.is_amount(text) IS
    'would this text be taken as an amount?';

CREATE FUNCTION omni.amount_currency(amount omni.amount) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_currency';
COMMENT ON FUNCTION omni.amount_currency(omni.amount) IS
    'currency of an amount';

CREATE FUNCTION omni.amount_value(amount omni.amount) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_value';
COMMENT ON FUNCTION omni.amount_value(omni.amount) IS
    'number of an amount, with all its decimals';

CREATE FUNCTION omni.amount_minor_units(amount omni.amount) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_minor_units';
COMMENT ON FUNCTION omni.amount_minor_units(omni.amount) IS
    'number of an amount in minor units: cents';

CREATE FUNCTION omni.amount_exponent(amount omni.amount) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_exponent';
COMMENT ON FUNCTION omni.amount_exponent(omni.amount) IS
    'decimals that an amount has';

CREATE FUNCTION omni.amount_sign(amount omni.amount) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_sign';
COMMENT ON FUNCTION omni.amount_sign(omni.amount) IS
    '-1, 0 or 1 as the amount is below, equal to or above zero';

CREATE FUNCTION omni.amount_abs(amount omni.amount) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_abs';
COMMENT ON FUNCTION omni.amount_abs(omni.amount) IS
    'amount without its sign';

CREATE FUNCTION omni.allocate(amount omni.amount, weights bigint[]) RETURNS omni.amount[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_allocate';
COMMENT ON FUNCTION omni.allocate(omni.amount, bigint[]) IS
    'the amount in parts proportional to the weights (largest remainder, ties to the earlier part); the parts add up to the amount';

-- Comparison: total, by currency, then by worth.  Amounts of different
-- currencies can be sorted and indexed; which is worth more is not said.
-- Leakproof, so that a row policy does not keep an index from serving them.

CREATE FUNCTION omni.amount_eq(omni.amount, omni.amount) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_eq';
COMMENT ON FUNCTION omni.amount_eq(omni.amount, omni.amount) IS
    'equal';

CREATE FUNCTION omni.amount_ne(omni.amount, omni.amount) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_ne';
COMMENT ON FUNCTION omni.amount_ne(omni.amount, omni.amount) IS
    'not equal';

CREATE FUNCTION omni.amount_lt(omni.amount, omni.amount) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_lt';
COMMENT ON FUNCTION omni.amount_lt(omni.amount, omni.amount) IS
    'less than';

CREATE FUNCTION omni.amount_le(omni.amount, omni.amount) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_le';
COMMENT ON FUNCTION omni.amount_le(omni.amount, omni.amount) IS
    'less than or equal';

CREATE FUNCTION omni.amount_gt(omni.amount, omni.amount) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_gt';
COMMENT ON FUNCTION omni.amount_gt(omni.amount, omni.amount) IS
    'greater than';

CREATE FUNCTION omni.amount_ge(omni.amount, omni.amount) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_ge';
COMMENT ON FUNCTION omni.amount_ge(omni.amount, omni.amount) IS
    'greater than or equal';

CREATE FUNCTION omni.amount_cmp(omni.amount, omni.amount) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_cmp';
COMMENT ON FUNCTION omni.amount_cmp(omni.amount, omni.amount) IS
    'less, equal, greater: -1, 0, 1';

CREATE FUNCTION omni.amount_sortsupport(internal) RETURNS void
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_sortsupport';
COMMENT ON FUNCTION omni.amount_sortsupport(internal) IS
    'faster sorts';

CREATE FUNCTION omni.amount_hash(omni.amount) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_hash';
COMMENT ON FUNCTION omni.amount_hash(omni.amount) IS
    'hash; equal values have equal ones';

CREATE FUNCTION omni.amount_hash_extended(omni.amount, bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_hash_extended';
COMMENT ON FUNCTION omni.amount_hash_extended(omni.amount, bigint) IS
    'hash of 64 bits with a seed';

CREATE OPERATOR omni.= (
    LEFTARG = omni.amount, RIGHTARG = omni.amount, FUNCTION = omni.amount_eq,
    COMMUTATOR = OPERATOR(omni.=), NEGATOR = OPERATOR(omni.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel,
    HASHES, MERGES
);
COMMENT ON OPERATOR omni.= (omni.amount, omni.amount) IS 'equal';

CREATE OPERATOR omni.<> (
    LEFTARG = omni.amount, RIGHTARG = omni.amount, FUNCTION = omni.amount_ne,
    COMMUTATOR = OPERATOR(omni.<>), NEGATOR = OPERATOR(omni.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR omni.<> (omni.amount, omni.amount) IS 'not equal';

CREATE OPERATOR omni.< (
    LEFTARG = omni.amount, RIGHTARG = omni.amount, FUNCTION = omni.amount_lt,
    COMMUTATOR = OPERATOR(omni.>), NEGATOR = OPERATOR(omni.>=),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR omni.< (omni.amount, omni.amount) IS 'less than';

CREATE OPERATOR omni.<= (
    LEFTARG = omni.amount, RIGHTARG = omni.amount, FUNCTION = omni.amount_le,
    COMMUTATOR = OPERATOR(omni.>=), NEGATOR = OPERATOR(omni.>),
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR omni.<= (omni.amount, omni.amount) IS 'less than or equal';

CREATE OPERATOR omni.> (
    LEFTARG = omni.amount, RIGHTARG = omni.amount, FUNCTION = omni.amount_gt,
    COMMUTATOR = OPERATOR(omni.<), NEGATOR = OPERATOR(omni.<=),
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR omni.> (omni.amount, omni.amount) IS 'greater than';

CREATE OPERATOR omni.>= (
    LEFTARG = omni.amount, RIGHTARG = omni.amount, FUNCTION = omni.amount_ge,
    COMMUTATOR = OPERATOR(omni.<=), NEGATOR = OPERATOR(omni.<),
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR omni.>= (omni.amount, omni.amount) IS 'greater than or equal';

CREATE OPERATOR CLASS omni.amount_btree_ops DEFAULT FOR TYPE omni.amount USING btree AS
    OPERATOR 1 omni.<,
    OPERATOR 2 omni.<=,
    OPERATOR 3 omni.=,
    OPERATOR 4 omni.>=,
    OPERATOR 5 omni.>,
    FUNCTION 1 omni.amount_cmp(omni.amount, omni.amount),
    FUNCTION 2 omni.amount_sortsupport(internal);
COMMENT ON OPERATOR CLASS omni.amount_btree_ops USING btree IS 'order of omni.amount';
COMMENT ON OPERATOR FAMILY omni.amount_btree_ops USING btree IS 'order of omni.amount';

CREATE OPERATOR CLASS omni.amount_hash_ops DEFAULT FOR TYPE omni.amount USING hash AS
    OPERATOR 1 omni.=,
    FUNCTION 1 omni.amount_hash(omni.amount),
    FUNCTION 2 omni.amount_hash_extended(omni.amount, bigint);
COMMENT ON OPERATOR CLASS omni.amount_hash_ops USING hash IS 'equality of omni.amount';
COMMENT ON OPERATOR FAMILY omni.amount_hash_ops USING hash IS 'equality of omni.amount';

-- Arithmetic.  One operator for every kind of number: with one for integer and
-- one for numeric, a parameter of unknown type would be ambiguous.

CREATE FUNCTION omni.amount_add(omni.amount, omni.amount) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_add';
COMMENT ON FUNCTION omni.amount_add(omni.amount, omni.amount) IS
    'sum of two amounts of one currency';

CREATE FUNCTION omni.amount_subtract(omni.amount, omni.amount) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_subtract';
COMMENT ON FUNCTION omni.amount_subtract(omni.amount, omni.amount) IS
    'difference of two amounts of one currency';

CREATE FUNCTION omni.amount_negate(omni.amount) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_negate';
COMMENT ON FUNCTION omni.amount_negate(omni.amount) IS
    'amount with the other sign';

CREATE FUNCTION omni.amount_multiply(omni.amount, numeric) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_multiply';
COMMENT ON FUNCTION omni.amount_multiply(omni.amount, numeric) IS
    'amount times a number, rounded half to even';

CREATE FUNCTION omni.amount_multiply_by(numeric, omni.amount) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_multiply_by';
COMMENT ON FUNCTION omni.amount_multiply_by(numeric, omni.amount) IS
    'number times an amount, rounded half to even';

CREATE OPERATOR omni.+ (
    LEFTARG = omni.amount, RIGHTARG = omni.amount, FUNCTION = omni.amount_add,
    COMMUTATOR = OPERATOR(omni.+)
);
COMMENT ON OPERATOR omni.+ (omni.amount, omni.amount) IS 'add';

CREATE OPERATOR omni.- (
    LEFTARG = omni.amount, RIGHTARG = omni.amount, FUNCTION = omni.amount_subtract
);
COMMENT ON OPERATOR omni.- (omni.amount, omni.amount) IS 'subtract';

CREATE OPERATOR omni.- (RIGHTARG = omni.amount, FUNCTION = omni.amount_negate);
COMMENT ON OPERATOR omni.- (NONE, omni.amount) IS 'negate';

CREATE OPERATOR omni.* (
    LEFTARG = omni.amount, RIGHTARG = numeric, FUNCTION = omni.amount_multiply,
    COMMUTATOR = OPERATOR(omni.*)
);
COMMENT ON OPERATOR omni.* (omni.amount, numeric) IS 'multiply, half to even';

CREATE OPERATOR omni.* (
    LEFTARG = numeric, RIGHTARG = omni.amount, FUNCTION = omni.amount_multiply_by,
    COMMUTATOR = OPERATOR(omni.*)
);
COMMENT ON OPERATOR omni.* (numeric, omni.amount) IS 'multiply, half to even';

-- Aggregates.

CREATE FUNCTION omni.amount_sum_add(internal, omni.amount) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_sum_add';
COMMENT ON FUNCTION omni.amount_sum_add(internal, omni.amount) IS
    'step of sum(omni.amount)';

CREATE FUNCTION omni.amount_sum_remove(internal, omni.amount) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_sum_remove';
COMMENT ON FUNCTION omni.amount_sum_remove(internal, omni.amount) IS
    'inverse step of sum(omni.amount)';

CREATE FUNCTION omni.amount_sum_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_sum_combine';
COMMENT ON FUNCTION omni.amount_sum_combine(internal, internal) IS
    'joins two partial sums';

CREATE FUNCTION omni.amount_sum_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_sum_serialize';
COMMENT ON FUNCTION omni.amount_sum_serialize(internal) IS
    'partial sum as bytes';

CREATE FUNCTION omni.amount_sum_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_sum_deserialize';
COMMENT ON FUNCTION omni.amount_sum_deserialize(bytea, internal) IS
    'partial sum from bytes';

CREATE FUNCTION omni.amount_sum_final(internal) RETURNS omni.amount
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_sum_final';
COMMENT ON FUNCTION omni.amount_sum_final(internal) IS
    'result of sum(omni.amount)';

CREATE FUNCTION omni.amount_smaller(omni.amount, omni.amount) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_smaller';
COMMENT ON FUNCTION omni.amount_smaller(omni.amount, omni.amount) IS
    'step of min(omni.amount)';

CREATE FUNCTION omni.amount_larger(omni.amount, omni.amount) RETURNS omni.amount
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_types_amount_larger';
COMMENT ON FUNCTION omni.amount_larger(omni.amount, omni.amount) IS
    'step of max(omni.amount)';

CREATE AGGREGATE omni.sum(omni.amount) (
    SFUNC = omni.amount_sum_add,
    STYPE = internal,
    SSPACE = 88,
    FINALFUNC = omni.amount_sum_final,
    COMBINEFUNC = omni.amount_sum_combine,
    SERIALFUNC = omni.amount_sum_serialize,
    DESERIALFUNC = omni.amount_sum_deserialize,
    MSFUNC = omni.amount_sum_add,
    MINVFUNC = omni.amount_sum_remove,
    MSTYPE = internal,
    MSSPACE = 88,
    MFINALFUNC = omni.amount_sum_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE omni.sum(omni.amount) IS
    'sum of amounts of one currency; error if there are two, null if there is no amount';

CREATE AGGREGATE omni.min(omni.amount) (
    SFUNC = omni.amount_smaller,
    STYPE = omni.amount,
    COMBINEFUNC = omni.amount_smaller,
    SORTOP = OPERATOR(omni.<),
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE omni.min(omni.amount) IS
    'first of the amounts in their order: by currency, then by worth';

CREATE AGGREGATE omni.max(omni.amount) (
    SFUNC = omni.amount_larger,
    STYPE = omni.amount,
    COMBINEFUNC = omni.amount_larger,
    SORTOP = OPERATOR(omni.>),
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE omni.max(omni.amount) IS
    'last of the amounts in their order: by currency, then by worth';

-- Rights.

REVOKE ALL ON FUNCTION
    omni.currency_exponent(text),
    omni.is_currency(text),
    omni.currencies(),
    omni.is_amount(text),
    omni.amount_sortsupport(internal),
    omni.amount_sum_add(internal, omni.amount),
    omni.amount_sum_remove(internal, omni.amount),
    omni.amount_sum_combine(internal, internal),
    omni.amount_sum_serialize(internal),
    omni.amount_sum_deserialize(bytea, internal),
    omni.amount_sum_final(internal)
    FROM PUBLIC;
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.currency_exponent,omni.is_currency,omni.currencies,omni.is_amount}');
