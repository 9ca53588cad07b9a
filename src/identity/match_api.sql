-- identity: matching records of any table; functions, comments and rights.

CREATE FUNCTION omni.match_table(source regclass, roles jsonb,
        options jsonb DEFAULT '{}')
    RETURNS TABLE (record text, cluster bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000
    AS 'MODULE_PATHNAME', 'omni_identity_match_table';
COMMENT ON FUNCTION omni.match_table(regclass, jsonb, jsonb) IS
    'Which records of a table are one person or organisation: every record once, by its id, with the number of its cluster. roles says what columns mean: {"column": "role"}; options: unique_within (["source"]: a source holds no duplicates), threshold, review_pairs, keep. Reads the table with the caller''s rights. OM002 NULL, OM005 neither support nor admin, OM006 malformed roles or options, OM007 an id that is missing or not unique, OM012 omni.match_memory. doc/identity.md.';

CREATE FUNCTION omni.explain_match(source regclass, roles jsonb, a text,
        b text, options jsonb DEFAULT '{}')
    RETURNS TABLE (field text, level text, weight double precision,
        frequency double precision)
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000
    AS 'MODULE_PATHNAME', 'omni_identity_explain_match';
COMMENT ON FUNCTION omni.explain_match(regclass, jsonb, text, text, jsonb) IS
    'Why the records with the ids a and b are one, or not: a row for each field (level of agreement; weight in bits, log2 of m/u; share of records with the agreed value), then prior, total and verdict. Costs what omni.match_table() costs. Errors as there; OM002 also for an unknown record.';

CREATE FUNCTION omni.decide_match(source regclass, a text, b text,
        same boolean, reason text DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_identity_decide_match';
COMMENT ON FUNCTION omni.decide_match(regclass, text, text, boolean, text) IS
    'Decide that two records of a source are one (same), or are not, for every later omni.match_table() of it. Replaces an earlier decision and takes the pair off the review. OM002 NULL, OM005, OM007.';

CREATE FUNCTION omni.withdraw_match_decision(source regclass, a text, b text)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_identity_withdraw_decision';
COMMENT ON FUNCTION omni.withdraw_match_decision(regclass, text, text) IS
    'Let the model decide again on two records. OM002 NULL, or no decision; OM005.';

CREATE FUNCTION omni_internal.stat_match(
    OUT pid integer,
    OUT relation oid,
    OUT phase text,
    OUT done bigint,
    OUT total bigint,
    OUT started_at timestamptz)
    RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'omni_identity_stat_match';
COMMENT ON FUNCTION omni_internal.stat_match() IS 'the rows of omni.stat_match';

CREATE VIEW omni.stat_match AS
    SELECT s.pid, s.relation::regclass AS source, s.phase, s.done, s.total,
           s.started_at
    FROM omni_internal.stat_match() s;
COMMENT ON VIEW omni.stat_match IS
    'how far the runs of omni.match_table() and omni.explain_match() in this database are';
COMMENT ON COLUMN omni.stat_match.pid IS 'process, as in pg_stat_activity';
COMMENT ON COLUMN omni.stat_match.source IS 'table that is matched';
COMMENT ON COLUMN omni.stat_match.phase IS
    'reading, finding keys, comparing pairs, fitting the model, clustering, writing the result';
COMMENT ON COLUMN omni.stat_match.done IS
    'how much of this phase is done, in units of the phase: records, keys, iterations';
COMMENT ON COLUMN omni.stat_match.total IS
    'of how much; null: not known';
COMMENT ON COLUMN omni.stat_match.started_at IS 'when the run began';

COMMENT ON TABLE omni.match_run IS
    'runs of omni.match_table(), the last ten of each source: the model''s figures over all, and what was refused';
COMMENT ON COLUMN omni.match_run.id IS 'id, given by the database';
COMMENT ON COLUMN omni.match_run.source IS 'table that was matched';
COMMENT ON COLUMN omni.match_run.roles IS 'roles of its columns, as given';
COMMENT ON COLUMN omni.match_run.options IS 'options, as given';
COMMENT ON COLUMN omni.match_run.method IS
    'version of the method: the same rows give the same model under the same one';
COMMENT ON COLUMN omni.match_run.ran_at IS 'when';
COMMENT ON COLUMN omni.match_run.records IS 'records that were read';
COMMENT ON COLUMN omni.match_run.clusters IS 'clusters that were found, single records included';
COMMENT ON COLUMN omni.match_run.all_pairs IS
    'pairs that there are; of different sources where these hold no duplicates';
COMMENT ON COLUMN omni.match_run.candidate_pairs IS
    'pairs that share a key and were compared';
COMMENT ON COLUMN omni.match_run.key_recall IS
    'estimated share of the matching pairs that share a key';
COMMENT ON COLUMN omni.match_run.classes IS
    '2: same and chance; 3: households, too';
COMMENT ON COLUMN omni.match_run.matched_pairs IS
    'expected number of matching pairs among the candidates; divided by all_pairs, the prior';
COMMENT ON COLUMN omni.match_run.household_pairs IS
    'expected number of pairs of two people of one household';
COMMENT ON COLUMN omni.match_run.log_likelihood IS 'of the model';
COMMENT ON COLUMN omni.match_run.bic_two IS
    'Bayesian information criterion of two classes';
COMMENT ON COLUMN omni.match_run.bic_three IS
    'of three classes; the smaller one is better';
COMMENT ON COLUMN omni.match_run.iterations IS 'of the EM algorithm';
COMMENT ON COLUMN omni.match_run.refused IS
    'why no records were called the same; null: nothing was refused';

COMMENT ON TABLE omni.match_model IS
    'the model of a run: for each field and level of agreement, how often it occurs';
COMMENT ON COLUMN omni.match_model.run_id IS 'id of the run';
COMMENT ON COLUMN omni.match_model.field IS 'what was compared';
COMMENT ON COLUMN omni.match_model.level IS
    'level of agreement, 1 the best';
COMMENT ON COLUMN omni.match_model.agreement IS 'what the level means';
COMMENT ON COLUMN omni.match_model.m IS
    'probability of the level where the records are one';
COMMENT ON COLUMN omni.match_model.h IS
    'probability where they are two of one household; null: no such class';
COMMENT ON COLUMN omni.match_model.u IS
    'probability by chance';
COMMENT ON COLUMN omni.match_model.weight IS
    'evidence in bits: log2 of m / u; rarer values add to it';
COMMENT ON COLUMN omni.match_model.pairs IS
    'candidate pairs at this level';

COMMENT ON TABLE omni.match_review IS
    'pairs that the last run over a source was least sure of and nobody has decided';
COMMENT ON COLUMN omni.match_review.source IS 'table that was matched';
COMMENT ON COLUMN omni.match_review.record_a IS 'id of a record';
COMMENT ON COLUMN omni.match_review.record_b IS 'id of the other one';
COMMENT ON COLUMN omni.match_review.probability IS
    'that they are one, by their own evidence';
COMMENT ON COLUMN omni.match_review.together IS
    'the run has put them in one cluster';
COMMENT ON COLUMN omni.match_review.run_id IS 'id of the run';

COMMENT ON TABLE omni.match_decision IS
    'people''s decisions on pairs of records, respected by every later run over the source';
COMMENT ON COLUMN omni.match_decision.source IS 'table of the records';
COMMENT ON COLUMN omni.match_decision.record_a IS 'id of a record';
COMMENT ON COLUMN omni.match_decision.record_b IS
    'id of the other one, the greater in byte order';
COMMENT ON COLUMN omni.match_decision.same IS 'they are one, or are not';
COMMENT ON COLUMN omni.match_decision.reason IS 'why, in free text';
COMMENT ON COLUMN omni.match_decision.decided_by IS 'role that decided';
COMMENT ON COLUMN omni.match_decision.decided_at IS 'when';

REVOKE ALL ON FUNCTION
    omni.match_table(regclass, jsonb, jsonb),
    omni.explain_match(regclass, jsonb, text, text, jsonb),
    omni.decide_match(regclass, text, text, boolean, text),
    omni.withdraw_match_decision(regclass, text, text),
    omni_internal.stat_match()
    FROM PUBLIC;
REVOKE ALL ON omni.match_run, omni.match_model, omni.match_review,
    omni.match_decision, omni.stat_match FROM PUBLIC;
REVOKE ALL ON SEQUENCE omni.match_run_id_seq FROM PUBLIC;
SELECT omni_internal.allow_functions('{support,admin}',
    '{omni.match_table,omni.explain_match,omni.decide_match,omni.withdraw_match_decision,omni_internal.stat_match}');
SELECT omni_internal.allow_relations('{support,admin}', '{select}',
    '{omni.match_run,omni.match_model,omni.match_review,omni.match_decision,omni.stat_match}');
