-- identity: functions that bring names, addresses and the like into one
-- spelling.
--
-- NULL in, NULL out: a normaliser is no place to refuse a missing value.
-- omni.normalise_phone() alone is not immutable: beyond the fast path the answer
-- is libphonenumber's, whose data change with its version.

CREATE FUNCTION omni.fold_text(value text)
    RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_fold_text';
COMMENT ON FUNCTION omni.fold_text(text) IS
    'a text in plain letters, digits and single blanks: case and accents gone, many scripts in Latin letters, cut at 256 bytes; null when nothing is left';

CREATE FUNCTION omni.loosen_text(value text)
    RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_loosen_text';
COMMENT ON FUNCTION omni.loosen_text(text) IS
    'a folded text in which ways of transliteration are drawn together (mueller and muller, mikhail and mihail)';

CREATE FUNCTION omni.normalise_name(name text)
    RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_normalise_person';
COMMENT ON FUNCTION omni.normalise_name(text) IS
    'name of a person: given, middle and family name and suffix, folded, in this order however written; without titles and nicknames';

CREATE FUNCTION omni.parse_name(name text,
        OUT title text, OUT given text, OUT middle text, OUT family text,
        OUT suffix text, OUT nickname text, OUT generation integer)
    RETURNS record LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_parse_person';
COMMENT ON FUNCTION omni.parse_name(text) IS
    'parts of a persons name, folded; family has its particles; generation 1 for senior, 2 for junior and II, 3 for III ...';

CREATE FUNCTION omni.normalise_organization(name text)
    RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_normalise_company';
COMMENT ON FUNCTION omni.normalise_organization(text) IS
    'name of an organisation, folded, without its legal form, "the" and "and"; usual abbreviations written out';

CREATE FUNCTION omni.find_chief_names(given_name text)
    RETURNS text[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_find_chiefs';
COMMENT ON FUNCTION omni.find_chief_names(text) IS
    'names of which a given name is a short or pet form or another spelling (bob: robert); empty where none is known';

CREATE FUNCTION omni.encode_sound(word text)
    RETURNS text[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_encode_sound';
COMMENT ON FUNCTION omni.encode_sound(text) IS
    'what a word sounds like: its one or two codes of double metaphone';

CREATE FUNCTION omni.normalise_email(email text)
    RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_normalise_mailbox';
COMMENT ON FUNCTION omni.normalise_email(text) IS
    'mailbox of an e-mail address: lower case; dots and +tags gone where the provider ignores them; null when it is no address';

CREATE FUNCTION omni.normalise_phone(phone text, country text DEFAULT NULL)
    RETURNS text LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_normalise_phone';
COMMENT ON FUNCTION omni.normalise_phone(text, text) IS
    'telephone number by E.164, with "x" and its extension if any; country (two capitals) is that of numbers without country code; null for null and for what is no number of a possible length. OM007 malformed country, OM011 the number needs library omni_phone, which is not installed';

CREATE FUNCTION omni.normalise_date(value text, day_first boolean DEFAULT NULL)
    RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_normalise_birthday';
COMMENT ON FUNCTION omni.normalise_date(text, boolean) IS
    'date in one of many spellings as YYYY-MM-DD, as far as it is known: YYYY-MM, YYYY, --MM-DD; 01/02/2003 is the 2nd of January unless day_first; null for null and for what is no date';

CREATE FUNCTION omni.parse_date(value text, day_first boolean DEFAULT NULL,
        OUT year integer, OUT month integer, OUT day integer,
        OUT ambiguous boolean, OUT century_guessed boolean)
    RETURNS record LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_parse_birthday';
COMMENT ON FUNCTION omni.parse_date(text, boolean) IS
    'parts of a date; ambiguous: day and month may be the other way round; century_guessed: the year had two digits and is the last one up to 2029';

CREATE FUNCTION omni.parse_address(address text, country text DEFAULT NULL,
        OUT number text, OUT street text, OUT unit text, OUT box text,
        OUT city text, OUT region text, OUT postal_code text,
        OUT country_name text, OUT name text)
    RETURNS record LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_parse_place';
COMMENT ON FUNCTION omni.parse_address(text, text) IS
    'parts of a postal address, folded; country (two capitals) tells which numbers may be postal codes; name is what else was there';

CREATE FUNCTION omni.normalise_street(street text)
    RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_normalise_road';
COMMENT ON FUNCTION omni.normalise_street(text) IS
    'street, folded; its type, directions and ordinals written in one way';

CREATE FUNCTION omni.normalise_postal_code(postal_code text)
    RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_normalise_code';
COMMENT ON FUNCTION omni.normalise_postal_code(text) IS
    'postal code: capitals and digits alone; ZIP+4 cut to ZIP';

CREATE FUNCTION omni.normalise_national_id(national_id text)
    RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_identity_normalise_number';
COMMENT ON FUNCTION omni.normalise_national_id(text) IS
    'number that a state gives a person: capitals and digits alone; null for fillers such as 000000000 and 123456789, and beyond 32 characters';

-- Rights.

REVOKE ALL ON FUNCTION
    omni.fold_text(text),
    omni.loosen_text(text),
    omni.normalise_name(text),
    omni.parse_name(text),
    omni.normalise_organization(text),
    omni.find_chief_names(text),
    omni.encode_sound(text),
    omni.normalise_email(text),
    omni.normalise_phone(text, text),
    omni.normalise_date(text, boolean),
    omni.parse_date(text, boolean),
    omni.parse_address(text, text),
    omni.normalise_street(text),
    omni.normalise_postal_code(text),
    omni.normalise_national_id(text)
    FROM PUBLIC;
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    ARRAY['omni.fold_text',
        'omni.loosen_text',
        'omni.normalise_name',
        'omni.parse_name',
        'omni.normalise_organization',
        'omni.find_chief_names',
        'omni.encode_sound',
        'omni.normalise_email',
        'omni.normalise_phone',
        'omni.normalise_date',
        'omni.parse_date',
        'omni.parse_address',
        'omni.normalise_street',
        'omni.normalise_postal_code',
        'omni.normalise_national_id']);
