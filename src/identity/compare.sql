-- identity: functions that say how alike two values are.
--
-- Those that give a number are strict.  Those that give a level say "missing"
-- where one of the values says nothing, NULL included.

CREATE FUNCTION omni.compare_jaro_winkler(a text, b text)
    RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_jaro';
COMMENT ON FUNCTION omni.compare_jaro_winkler(text, text) IS
    'Jaro-Winkler similarity of two folded texts, 0 to 1';

CREATE FUNCTION omni.count_edits(a text, b text, max_edits integer DEFAULT 256)
    RETURNS integer LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_count_edits';
COMMENT ON FUNCTION omni.count_edits(text, text, integer) IS
    'letters inserted, deleted, replaced or exchanged with a neighbour between two folded texts (optimal string alignment); max_edits + 1 where there are more. OM007 negative max_edits';

CREATE FUNCTION omni.compare_grams(a text, b text)
    RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_qgrams';
COMMENT ON FUNCTION omni.compare_grams(text, text) IS
    'Dice coefficient of the pairs of letters of two folded texts, 0 to 1';

CREATE FUNCTION omni.compare_tokens(a text, b text,
        words text[] DEFAULT NULL, weights double precision[] DEFAULT NULL)
    RETURNS double precision LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_sets';
COMMENT ON FUNCTION omni.compare_tokens(text, text, text[], double precision[]) IS
    'weight of the common words of two texts in that of all their words, 0 to 1; words not listed weigh 1; null where a text is null. OM007 lists that do not fit each other';

CREATE FUNCTION omni.compare_numbers(a double precision, b double precision,
        scale double precision)
    RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_values';
COMMENT ON FUNCTION omni.compare_numbers(double precision, double precision, double precision) IS
    '1 where two numbers are equal, falling to 0 where they are scale apart. OM007 unless scale is greater than 0';

CREATE FUNCTION omni.measure_distance(latitude_a double precision,
        longitude_a double precision, latitude_b double precision,
        longitude_b double precision)
    RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_measure_distance';
COMMENT ON FUNCTION omni.measure_distance(double precision, double precision, double precision, double precision) IS
    'kilometres between two points on the earth (haversine). OM007 no latitude or longitude';

CREATE FUNCTION omni.compare_given_names(a text, b text)
    RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_given';
COMMENT ON FUNCTION omni.compare_given_names(text, text) IS
    'level of agreement of two given names: exact, variant, nickname, initial, part, typo, sound, similar, different, or missing';

CREATE FUNCTION omni.compare_family_names(a text, b text)
    RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_family';
COMMENT ON FUNCTION omni.compare_family_names(text, text) IS
    'level of agreement of two family names: exact, variant, initial, part, typo, sound, similar, different, or missing';

CREATE FUNCTION omni.are_names_swapped(given_a text, family_a text,
        given_b text, family_b text)
    RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_are_swapped';
COMMENT ON FUNCTION omni.are_names_swapped(text, text, text, text) IS
    'is the given name of each, but for typing errors, the family name of the other?';

CREATE FUNCTION omni.compare_names(a text, b text)
    RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_persons';
COMMENT ON FUNCTION omni.compare_names(text, text) IS
    'how alike two full names of persons are, 0 to 1, whatever the order of their words; from 0.75 on they may well be one persons';

CREATE FUNCTION omni.compare_organizations(a text, b text)
    RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_companies';
COMMENT ON FUNCTION omni.compare_organizations(text, text) IS
    'how alike two names of organisations are, 0 to 1; from 0.75 on they may well be one';

CREATE FUNCTION omni.compare_dates(a text, b text)
    RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_birthdays';
COMMENT ON FUNCTION omni.compare_dates(text, text) IS
    'level of agreement of two dates: exact, partial, swapped, one_digit, permuted, two_parts, close, different, or missing';

CREATE FUNCTION omni.compare_emails(a text, b text)
    RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_mailboxes';
COMMENT ON FUNCTION omni.compare_emails(text, text) IS
    'level of agreement of two e-mail addresses: exact, same_local, typo, similar_local, different, or missing';

CREATE FUNCTION omni.compare_phones(a text, b text)
    RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_numbers_called';
COMMENT ON FUNCTION omni.compare_phones(text, text) IS
    'level of agreement of two telephone numbers as written: exact, national, extension, typo, suffix, different, or missing';

CREATE FUNCTION omni.compare_national_ids(a text, b text)
    RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_national_ids';
COMMENT ON FUNCTION omni.compare_national_ids(text, text) IS
    'level of agreement of two national ids: exact, last_four, typo, two_typos, different, or missing';

CREATE FUNCTION omni.compare_addresses(a text, b text)
    RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_compare_places';
COMMENT ON FUNCTION omni.compare_addresses(text, text) IS
    'level of agreement of two postal addresses: exact, same_house, typo, other_unit, same_street, same_place, different, or missing';

-- Rights.

REVOKE ALL ON FUNCTION
    omni.compare_jaro_winkler(text, text),
    omni.count_edits(text, text, integer),
    omni.compare_grams(text, text),
    omni.compare_tokens(text, text, text[], double precision[]),
    omni.compare_numbers(double precision, double precision, double precision),
    omni.measure_distance(double precision, double precision, double precision, double precision),
    omni.compare_given_names(text, text),
    omni.compare_family_names(text, text),
    omni.are_names_swapped(text, text, text, text),
    omni.compare_names(text, text),
    omni.compare_organizations(text, text),
    omni.compare_dates(text, text),
    omni.compare_emails(text, text),
    omni.compare_phones(text, text),
    omni.compare_national_ids(text, text),
    omni.compare_addresses(text, text)
    FROM PUBLIC;
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    ARRAY['omni.compare_jaro_winkler',
        'omni.count_edits',
        'omni.compare_grams',
        'omni.compare_tokens',
        'omni.compare_numbers',
        'omni.measure_distance',
        'omni.compare_given_names',
        'omni.compare_family_names',
        'omni.are_names_swapped',
        'omni.compare_names',
        'omni.compare_organizations',
        'omni.compare_dates',
        'omni.compare_emails',
        'omni.compare_phones',
        'omni.compare_national_ids',
        'omni.compare_addresses']);
