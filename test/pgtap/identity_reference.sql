-- Identity against others' work: double metaphone and distance against
-- fuzzystrmatch, where the server has it, and names against a public set of
-- judged pairs, where the data folder is given.
SET client_min_messages = warning;
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'fuzzystrmatch') AS there \gset
\getenv data OMNI_DATA
SELECT plan(6);

CREATE TEMPORARY TABLE word AS
SELECT w FROM unnest(string_to_array('smith schmidt schneider snider thomas thumb knight wright gnome pneumonia psalm xavier michael macher bacher caesar chianti '
    'chemistry chorus architect orchid czerny wicz accident bellocchio bertucci mcclelland mcgregor edge edgar ghislane ghost hugh bough broughton laugh '
    'cough rough cagney tagliaro gyger danger jose jankelowicz yankelovich cabrillo gallegos dumb thumb campbell raspberry rogier hochmeier island isle '
    'carlysle sugar sholz school schooner schermerhorn schenker resnais artois nation thames wasserman arnow arnoff filipowicz breaux zhao pizza '
    'garcia francesca sergei aleksey wojciechowski przybylski huang nguyen oconnor fitzgerald vaughan leigh bauer meyer maier mayr becker jaeger kowalski '
    'hernandez jimenez fernandez villa castillo quintana xu zhang qian szabo czech schwartz tschaikowsky uccello bacchus success accede', ' ')) w WHERE w <> '';
\if :there
    CREATE EXTENSION fuzzystrmatch;
    SELECT is_empty($$ SELECT w, omni.encode_sound(w), dmetaphone(w), dmetaphone_alt(w) FROM word
        WHERE (omni.encode_sound(w))[1] <> dmetaphone(w) OR coalesce((omni.encode_sound(w))[2], (omni.encode_sound(w))[1]) <> dmetaphone_alt(w) $$,
        'double metaphone is that of fuzzystrmatch');
    SELECT ok(count(*) > 100, 'for many words') FROM word;
    -- exchanges of neighbours count one here and two there, so the distance is between
    SELECT is_empty($$ SELECT a.w, b.w FROM word a, word b WHERE omni.count_edits(a.w, b.w) NOT BETWEEN (levenshtein(a.w, b.w) + 1) / 2 AND levenshtein(a.w, b.w) $$,
        'distances fit Levenshtein''s');
    SELECT ok(count(*) FILTER (WHERE omni.count_edits(a.w, b.w) = levenshtein(a.w, b.w)) > 0.95 * count(*), 'and mostly are the same') FROM word a, word b;
\else
    SELECT skip('fuzzystrmatch is not there', 4);
\endif

SELECT :{?data} AS given \gset
\if :given
    SELECT (pg_stat_file(:'data' || '/identity/name_bench/cases.csv', true)).size IS NOT NULL AS given \gset
\endif
\if :given
    CREATE TEMPORARY TABLE pair (case_group text, schema text, name1 text, name2 text, is_match boolean, quality text, category text, notes text);
    SELECT format('COPY pair FROM %L (FORMAT csv, HEADER)', :'data' || '/identity/name_bench/cases.csv') AS load \gset
    :load;
    CREATE TEMPORARY TABLE judged AS
    SELECT is_match, CASE schema WHEN 'Person' THEN omni.compare_names(name1, name2) ELSE omni.compare_organizations(name1, name2) END >= 0.75 AS alike FROM pair;
    SELECT cmp_ok(avg((is_match = alike)::int), '>=', 0.8, 'judged pairs of names: right at least four times in five') FROM judged;
    SELECT is_empty($$ SELECT name1, name2 FROM pair WHERE omni.compare_names(name1, name2) <> omni.compare_names(name2, name1)
        OR omni.compare_organizations(name1, name2) <> omni.compare_organizations(name2, name1) $$, 'symmetric, in every script');
\else
    SELECT skip('the data folder with identity/name_bench is not given (make test DATA=folder)', 2);
\endif
SELECT * FROM finish();
