-- core: the schemas, first of all modules.

\echo Use "CREATE EXTENSION omni" to load this file. \quit

CREATE SCHEMA omni;
COMMENT ON SCHEMA omni IS
    'omnichannel retail: one stock pool, orders from every channel, one feed of changes';

CREATE SCHEMA omni_internal;
COMMENT ON SCHEMA omni_internal IS
    'state and helpers of omni; nothing here is an interface';
