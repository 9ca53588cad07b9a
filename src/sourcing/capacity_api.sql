-- sourcing: capacity as it is counted.

CREATE FUNCTION omni.capacity(node text, day date,
        OUT units integer, OUT soft_units integer, OUT promised bigint,
        OUT done bigint, OUT available integer)
    RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_count_capacity';
COMMENT ON FUNCTION omni.capacity(text, date) IS
    'A node''s capacity on a day: limit and soft limit as configured (null: none), units promised and done by the counters, others'' uncommitted promises included, and what could be promised now (null: any number; 0 where the node is not active). OM002, OM005, OM007 day out of range.';

REVOKE ALL ON FUNCTION omni.capacity(text, date) FROM PUBLIC;
SELECT omni_internal.allow_functions('{reader,store,support,admin}',
    '{omni.capacity}');
