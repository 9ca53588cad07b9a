-- customer: functions, row policies, comments and rights.

CREATE FUNCTION omni.resolve_customer(person jsonb,
        channel text DEFAULT NULL)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_customer_resolve_person';
COMMENT ON FUNCTION omni.resolve_customer(jsonb, text) IS
    'The customer that a person is, found or made by exact identifiers: external_id (of the channel), loyalty_id, email, phone; the first of these that is known decides, and nothing merges. Returns the customer''s id. OM002 unknown channel, or none for an external_id; OM005 not permitted, OM006 malformed, or no identifier.';
REVOKE ALL ON FUNCTION omni.resolve_customer(jsonb, text) FROM PUBLIC;
SELECT omni_internal.allow_functions('{channel,support,admin}',
    '{omni.resolve_customer}');

-- Personal data: only support and admin.
ALTER TABLE omni.customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_read ON omni.customer FOR SELECT
    USING (omni_internal.may_see_person(NULL));
ALTER TABLE omni.customer_identifier ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_identifier_read ON omni.customer_identifier FOR SELECT
    USING (omni_internal.may_see_person(channel_id));

COMMENT ON TABLE omni.customer IS
    'people who buy, one row each across all channels; personal data';
COMMENT ON COLUMN omni.customer.id IS 'id, given by the database';
COMMENT ON COLUMN omni.customer.given_name IS
    'given name, as first heard';
COMMENT ON COLUMN omni.customer.family_name IS
    'family name, as first heard';
COMMENT ON COLUMN omni.customer.created_at IS 'when omni first met them';

COMMENT ON TABLE omni.customer_identifier IS
    'what names a customer exactly; each value names one at most; personal data';
COMMENT ON COLUMN omni.customer_identifier.id IS 'id, given by the database';
COMMENT ON COLUMN omni.customer_identifier.customer_id IS
    'id of the customer';
COMMENT ON COLUMN omni.customer_identifier.kind IS
    'email, phone, loyalty_id or external_id';
COMMENT ON COLUMN omni.customer_identifier.value IS 'in its normal form';
COMMENT ON COLUMN omni.customer_identifier.channel_id IS
    'id of the channel whose external id it is; null for the other kinds';

COMMENT ON POLICY customer_read ON omni.customer IS
    'personal data: support and admin';
COMMENT ON POLICY customer_identifier_read ON omni.customer_identifier IS
    'personal data: support and admin';

REVOKE ALL ON TABLE omni.customer, omni.customer_identifier FROM PUBLIC;
REVOKE ALL ON SEQUENCE omni.customer_id_seq, omni.customer_identifier_id_seq
    FROM PUBLIC;
SELECT omni_internal.allow_relations('{support,admin}', '{select}',
    '{omni.customer,omni.customer_identifier}');
