-- What a role without a profile can do: nothing but use the custom types,
-- even where somebody let it into the schemas.
CREATE ROLE omni_privileges_nobody;
SET ROLE omni_privileges_nobody;
SELECT omni.available('A');
SELECT count(*) FROM omni.item;
SELECT count(*) FROM omni_internal.feed_state;
RESET ROLE;

GRANT USAGE ON SCHEMA omni, omni_internal TO omni_privileges_nobody;
SET ROLE omni_privileges_nobody;

-- reading
SELECT omni.available('A');
SELECT count(*) FROM omni.item;
SELECT count(*) FROM omni.stock;
SELECT count(*) FROM omni.stock_ledger;
SELECT count(*) FROM omni.event;
SELECT * FROM omni.read_events('shop');
SELECT count(*) FROM omni_internal.feed_state;

-- writing
INSERT INTO omni.item(sku) VALUES ('A');
SELECT omni.receive_stock('S1', 'A', 1);
SELECT omni.reserve_stock('A', 1);
SELECT omni.ack_events('shop', 1);
DELETE FROM omni.stock_ledger;
SELECT nextval('omni.item_id_seq');

-- rights
SELECT omni.grant_access('omni_privileges_nobody', 'admin');
GRANT SELECT ON omni.item TO omni_privileges_nobody;
CREATE FUNCTION omni.mine() RETURNS int LANGUAGE sql RETURN 1;

-- The types are everybody's.
SET search_path = omni;
SELECT 'USD 12.34'::amount + 'USD 0.66'::amount AS sum;
SELECT '4006381333931'::gtin AS gtin;
RESET search_path;

RESET ROLE;
REVOKE ALL ON SCHEMA omni, omni_internal FROM omni_privileges_nobody;
DROP ROLE omni_privileges_nobody;
