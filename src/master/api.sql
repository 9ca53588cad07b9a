-- master: checks, change events, look-ups, comments and rights.

-- ---- triggers ----

CREATE FUNCTION omni_internal.check_channel() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_check_channel';
COMMENT ON FUNCTION omni_internal.check_channel() IS
    'checks a row of omni.channel before it is written';

CREATE FUNCTION omni_internal.check_node() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_check_node';
COMMENT ON FUNCTION omni_internal.check_node() IS
    'checks a row of omni.node before it is written';

CREATE FUNCTION omni_internal.check_item() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_check_item';
COMMENT ON FUNCTION omni_internal.check_item() IS
    'checks a row of omni.item before it is written';

CREATE FUNCTION omni_internal.check_item_code() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_check_item_code';
COMMENT ON FUNCTION omni_internal.check_item_code() IS
    'checks a row of omni.item_code before it is written';

CREATE FUNCTION omni_internal.check_stock_policy() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_check_stock_policy';
COMMENT ON FUNCTION omni_internal.check_stock_policy() IS
    'checks a row of omni.stock_policy before it is written';

-- As the owner: it writes the feed, and names rows that the role which changes
-- a policy need not be able to read.
CREATE FUNCTION omni_internal.record_master_change() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_master_record_change';
COMMENT ON FUNCTION omni_internal.record_master_change() IS
    'tells sessions, the stock engine and the feed what changed';

CREATE FUNCTION omni_internal.record_master_truncate() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_record_truncate';
COMMENT ON FUNCTION omni_internal.record_master_truncate() IS
    'tells sessions and the stock engine that a table is empty';

-- As the owner: it looks into tables that the deleting role cannot read.
CREATE FUNCTION omni_internal.refuse_master_delete() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_master_refuse_delete';
COMMENT ON FUNCTION omni_internal.refuse_master_delete() IS
    'refuses to delete what is referred to';

CREATE FUNCTION omni_internal.refuse_master_truncate() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_refuse_truncate';
COMMENT ON FUNCTION omni_internal.refuse_master_truncate() IS
    'refuses TRUNCATE of master data';

CREATE TRIGGER channel_check
    BEFORE INSERT OR UPDATE ON omni.channel
    FOR EACH ROW EXECUTE FUNCTION omni_internal.check_channel();
CREATE TRIGGER channel_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.channel
    FOR EACH ROW EXECUTE FUNCTION omni_internal.record_master_change();
ALTER TABLE omni.channel ENABLE ALWAYS TRIGGER channel_change;
CREATE TRIGGER channel_truncate
    BEFORE TRUNCATE ON omni.channel
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.refuse_master_truncate();
CREATE TRIGGER channel_truncated
    AFTER TRUNCATE ON omni.channel
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.record_master_truncate();
ALTER TABLE omni.channel ENABLE ALWAYS TRIGGER channel_truncated;
CREATE TRIGGER channel_delete
    BEFORE DELETE ON omni.channel
    FOR EACH ROW EXECUTE FUNCTION omni_internal.refuse_master_delete();

CREATE TRIGGER node_check
    BEFORE INSERT OR UPDATE ON omni.node
    FOR EACH ROW EXECUTE FUNCTION omni_internal.check_node();
CREATE TRIGGER node_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.node
    FOR EACH ROW EXECUTE FUNCTION omni_internal.record_master_change();
ALTER TABLE omni.node ENABLE ALWAYS TRIGGER node_change;
CREATE TRIGGER node_truncate
    BEFORE TRUNCATE ON omni.node
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.refuse_master_truncate();
CREATE TRIGGER node_truncated
    AFTER TRUNCATE ON omni.node
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.record_master_truncate();
ALTER TABLE omni.node ENABLE ALWAYS TRIGGER node_truncated;
CREATE TRIGGER node_delete
    BEFORE DELETE ON omni.node
    FOR EACH ROW EXECUTE FUNCTION omni_internal.refuse_master_delete();

CREATE TRIGGER item_check
    BEFORE INSERT OR UPDATE ON omni.item
    FOR EACH ROW EXECUTE FUNCTION omni_internal.check_item();
CREATE TRIGGER item_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.item
    FOR EACH ROW EXECUTE FUNCTION omni_internal.record_master_change();
ALTER TABLE omni.item ENABLE ALWAYS TRIGGER item_change;
CREATE TRIGGER item_truncate
    BEFORE TRUNCATE ON omni.item
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.refuse_master_truncate();
CREATE TRIGGER item_truncated
    AFTER TRUNCATE ON omni.item
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.record_master_truncate();
ALTER TABLE omni.item ENABLE ALWAYS TRIGGER item_truncated;
CREATE TRIGGER item_delete
    BEFORE DELETE ON omni.item
    FOR EACH ROW EXECUTE FUNCTION omni_internal.refuse_master_delete();

CREATE TRIGGER item_code_check
    BEFORE INSERT OR UPDATE ON omni.item_code
    FOR EACH ROW EXECUTE FUNCTION omni_internal.check_item_code();
CREATE TRIGGER item_code_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.item_code
    FOR EACH ROW EXECUTE FUNCTION omni_internal.record_master_change();
ALTER TABLE omni.item_code ENABLE ALWAYS TRIGGER item_code_change;
CREATE TRIGGER item_code_truncate
    BEFORE TRUNCATE ON omni.item_code
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.refuse_master_truncate();
CREATE TRIGGER item_code_truncated
    AFTER TRUNCATE ON omni.item_code
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.record_master_truncate();
ALTER TABLE omni.item_code ENABLE ALWAYS TRIGGER item_code_truncated;

CREATE TRIGGER stock_policy_check
    BEFORE INSERT OR UPDATE ON omni.stock_policy
    FOR EACH ROW EXECUTE FUNCTION omni_internal.check_stock_policy();
CREATE TRIGGER stock_policy_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.stock_policy
    FOR EACH ROW EXECUTE FUNCTION omni_internal.record_master_change();
ALTER TABLE omni.stock_policy ENABLE ALWAYS TRIGGER stock_policy_change;
CREATE TRIGGER stock_policy_truncate
    BEFORE TRUNCATE ON omni.stock_policy
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.refuse_master_truncate();
CREATE TRIGGER stock_policy_truncated
    AFTER TRUNCATE ON omni.stock_policy
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.record_master_truncate();
ALTER TABLE omni.stock_policy ENABLE ALWAYS TRIGGER stock_policy_truncated;

-- ---- functions ----

CREATE FUNCTION omni.set_stock_policy(sku text, node text, safety integer)
    RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'omni_master_set_stock_policy';
COMMENT ON FUNCTION omni.set_stock_policy(text, text, integer) IS
    'keep back so many units of an item at a node, in place of the node''s own safety; null: like the node''s other items';

CREATE FUNCTION omni.scan_barcode(code text,
    OUT sku text, OUT pack_quantity integer)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_scan_barcode';
COMMENT ON FUNCTION omni.scan_barcode(text) IS
    'the item that a barcode (GTIN) stands for, and how many units of it the pack holds';

-- What the session's maps answer, for SQL of other domains and for tests.

CREATE FUNCTION omni_internal.item_id(sku text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_item_id';
COMMENT ON FUNCTION omni_internal.item_id(text) IS
    'id of an item; OM002 when there is none';

CREATE FUNCTION omni_internal.item_ids(skus text[]) RETURNS bigint[]
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_item_ids';
COMMENT ON FUNCTION omni_internal.item_ids(text[]) IS
    'ids of items, in the order of the skus; OM002 names the first that does not exist';

CREATE FUNCTION omni_internal.node_id(code text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_node_id';
COMMENT ON FUNCTION omni_internal.node_id(text) IS
    'id of a node; OM002 when there is none';

CREATE FUNCTION omni_internal.channel_id(code text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_channel_id';
COMMENT ON FUNCTION omni_internal.channel_id(text) IS
    'id of a channel; OM002 when there is none';

CREATE FUNCTION omni_internal.item_sku(item bigint) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_item_sku';
COMMENT ON FUNCTION omni_internal.item_sku(bigint) IS
    'sku of an item, null when there is none';

CREATE FUNCTION omni_internal.node_code(node bigint) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_node_code';
COMMENT ON FUNCTION omni_internal.node_code(bigint) IS
    'code of a node, null when there is none';

CREATE FUNCTION omni_internal.channel_code(channel bigint) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_channel_code';
COMMENT ON FUNCTION omni_internal.channel_code(bigint) IS
    'code of a channel, null when there is none';

CREATE FUNCTION omni_internal.describe_channel(channel bigint) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_describe_channel';
COMMENT ON FUNCTION omni_internal.describe_channel(bigint) IS
    'what sessions remember of a channel; OM002 when there is none';

CREATE FUNCTION omni_internal.describe_node(node bigint) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_describe_node';
COMMENT ON FUNCTION omni_internal.describe_node(bigint) IS
    'what sessions remember of a node; OM002 when there is none';

CREATE FUNCTION omni_internal.describe_item(item bigint) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_describe_item';
COMMENT ON FUNCTION omni_internal.describe_item(bigint) IS
    'what sessions remember of an item; OM002 when there is none';

CREATE FUNCTION omni_internal.active_nodes() RETURNS bigint[]
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_nodes';
COMMENT ON FUNCTION omni_internal.active_nodes() IS
    'ids of the active nodes, ascending, as sourcing sees them';

CREATE FUNCTION omni_internal.policy_generation() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_master_read_policy_generation';
COMMENT ON FUNCTION omni_internal.policy_generation() IS
    'the count that a change of nodes and stock policies raises at commit';

-- ---- comments ----

COMMENT ON TABLE omni.channel IS
    'how customers'' orders come in: one row per shop, app, till system, marketplace and so on';
COMMENT ON COLUMN omni.channel.id IS 'id, given by the database';
COMMENT ON COLUMN omni.channel.code IS
    'what callers name the channel by; up to 128 bytes, no blanks at the ends';
COMMENT ON COLUMN omni.channel.kind IS
    'web, app, pos, marketplace, social, service or dropship';
COMMENT ON COLUMN omni.channel.name IS 'for people';
COMMENT ON COLUMN omni.channel.currency IS
    'default currency of its orders, ISO 4217; null: none';
COMMENT ON COLUMN omni.channel.may_refuse IS
    'false: an order of this channel is taken even where stock is missing, because the channel has sold it already; the missing part stays open, parked';
COMMENT ON COLUMN omni.channel.priority IS
    'of its orders that do not say: whose turn comes first when units arrive that several wait for; higher first';
COMMENT ON COLUMN omni.channel.status IS
    'active: takes new orders; inactive: does not any more';

COMMENT ON TABLE omni.node IS
    'where stock lies: stores, warehouses, dropship partners, virtual nodes';
COMMENT ON COLUMN omni.node.id IS 'id, given by the database';
COMMENT ON COLUMN omni.node.code IS
    'what callers name the node by; up to 128 bytes, no blanks at the ends';
COMMENT ON COLUMN omni.node.kind IS 'store, warehouse, dropship or virtual';
COMMENT ON COLUMN omni.node.name IS 'for people';
COMMENT ON COLUMN omni.node.latitude IS
    'degrees north of the equator, -90 to 90; null: not located, and then no distance is known';
COMMENT ON COLUMN omni.node.longitude IS
    'degrees east of Greenwich, -180 to 180; null exactly when latitude is';
COMMENT ON COLUMN omni.node.country IS 'ISO 3166-1 alpha-2';
COMMENT ON COLUMN omni.node.region IS
    'state or province, as the retailer writes it; up to 32 bytes';
COMMENT ON COLUMN omni.node.city IS 'for people';
COMMENT ON COLUMN omni.node.street IS 'for people';
COMMENT ON COLUMN omni.node.postal_code IS 'up to 16 bytes';
COMMENT ON COLUMN omni.node.timezone IS
    'name of the node''s time zone in the server''s time zone database';
COMMENT ON COLUMN omni.node.status IS
    'active: its stock may be promised; paused (for a while), closed (for good), inactive (not in use, or not yet): it may not, from the commit of the change, and neither ships nor hands out new orders; what was promised before stays';
COMMENT ON COLUMN omni.node.safety IS
    'units of every item that are kept back here; omni.stock_policy makes exceptions';
COMMENT ON COLUMN omni.node.ships IS 'may orders be shipped from here?';
COMMENT ON COLUMN omni.node.pickup IS
    'may customers collect orders here? by default in stores alone';

COMMENT ON TABLE omni.item IS
    'what is sold: one row per sellable unit';
COMMENT ON COLUMN omni.item.id IS 'id, given by the database';
COMMENT ON COLUMN omni.item.sku IS
    'what callers name the item by; up to 128 bytes, no blanks at the ends';
COMMENT ON COLUMN omni.item.name IS 'for people';
COMMENT ON COLUMN omni.item.unit IS
    'quantities of the item are whole numbers of it: piece, or gram for weighed goods and so on';
COMMENT ON COLUMN omni.item.status IS
    'active: new orders may contain it; inactive: they may not any more';
COMMENT ON COLUMN omni.item.category IS
    'for routing rules: a word or a path such as toys/outdoor; up to 64 bytes';
COMMENT ON COLUMN omni.item.weight_g IS
    'grams that one unit weighs in its parcel; null: omni.sourcing_policy.unit_weight_g';
COMMENT ON COLUMN omni.item.splittable IS
    'may the units of an order line come from two nodes?';
COMMENT ON COLUMN omni.item.unfilled_cost IS
    'cost of one unit that no node serves, in minor units of the cost currency; null: as omni.sourcing_policy says';

COMMENT ON TABLE omni.item_code IS
    'barcodes of items: a scan gives the item and how many units of it the pack holds';
COMMENT ON COLUMN omni.item_code.code IS 'GTIN of the pack';
COMMENT ON COLUMN omni.item_code.sku IS
    'the item in it; follows the item''s sku when that changes';
COMMENT ON COLUMN omni.item_code.pack_quantity IS
    'how many of the item''s unit the pack holds';

COMMENT ON TABLE omni.stock_policy IS
    'exceptions from node.safety: units of one item that are kept back at one node; omni.set_stock_policy() takes codes';
COMMENT ON COLUMN omni.stock_policy.id IS 'id, given by the database';
COMMENT ON COLUMN omni.stock_policy.item IS 'id of the item';
COMMENT ON COLUMN omni.stock_policy.node IS 'id of the node';
COMMENT ON COLUMN omni.stock_policy.safety IS
    'units kept back, in place of the node''s own number';

-- ---- rights ----

REVOKE ALL ON TABLE omni.channel, omni.node, omni.item, omni.item_code,
    omni.stock_policy FROM PUBLIC;
REVOKE ALL ON SEQUENCE omni.channel_id_seq, omni.node_id_seq, omni.item_id_seq,
    omni.stock_policy_id_seq FROM PUBLIC;
REVOKE ALL ON FUNCTION
    omni_internal.check_channel(),
    omni_internal.check_node(),
    omni_internal.check_item(),
    omni_internal.check_item_code(),
    omni_internal.check_stock_policy(),
    omni_internal.record_master_change(),
    omni_internal.record_master_truncate(),
    omni_internal.refuse_master_delete(),
    omni_internal.refuse_master_truncate(),
    omni.set_stock_policy(text, text, integer),
    omni.scan_barcode(text),
    omni_internal.item_id(text),
    omni_internal.item_ids(text[]),
    omni_internal.node_id(text),
    omni_internal.channel_id(text),
    omni_internal.item_sku(bigint),
    omni_internal.node_code(bigint),
    omni_internal.channel_code(bigint),
    omni_internal.describe_channel(bigint),
    omni_internal.describe_node(bigint),
    omni_internal.describe_item(bigint),
    omni_internal.active_nodes(),
    omni_internal.policy_generation()
    FROM PUBLIC;

-- Master data are no secret: every profile reads them, admin changes them.
SELECT omni_internal.allow_relations('{reader,channel,store,support,admin}',
    '{select}',
    '{omni.channel,omni.node,omni.item,omni.item_code,omni.stock_policy}');
SELECT omni_internal.allow_relations('{admin}', '{insert,update,delete}',
    '{omni.channel,omni.node,omni.item,omni.item_code,omni.stock_policy}');
SELECT omni_internal.allow_functions('{admin}', '{omni.set_stock_policy}');
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.scan_barcode}');
