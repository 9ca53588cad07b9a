-- sourcing: functions, comments and rights.

CREATE FUNCTION omni.solve_sourcing(instance jsonb)
    RETURNS jsonb LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_solve_instance';
COMMENT ON FUNCTION omni.solve_sourcing(jsonb) IS
    'The cheapest way to serve one order, and a proven lower bound of what any way costs: the solver alone, as a pure function of the instance, within omni.sourcing_budget. Money is whole cents. OM002 instance null, OM006 malformed, OM008 out of range.';
REVOKE ALL ON FUNCTION omni.solve_sourcing(jsonb) FROM PUBLIC;
SELECT omni_internal.allow_functions('{channel,support,admin}',
    '{omni.solve_sourcing}');
