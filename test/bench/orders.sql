-- Orders for "make bench": 1,037 stores over a country, 500 items each in stock
-- at 400 of them, and plain.place_order(), which only inserts: the rows that
-- omni.place_order() wrote for a sample order, into tables with the same
-- columns, indexes, CHECK constraints and foreign keys among themselves.
INSERT INTO omni.channel (code, kind) VALUES ('web', 'web');
INSERT INTO omni.node (code, kind, country, latitude, longitude)
SELECT 'O' || g, 'store', 'US', 30 + g * 7919 % 18000 / 1000.0,
    -120 + g * 6101 % 45000 / 1000.0
FROM generate_series(1, 1037) g;
INSERT INTO omni.item (sku) SELECT 'O' || g FROM generate_series(1, 500) g;
SELECT count(omni.receive_stock('O' || (1 + (i * 7 + s * 101) % 1037), 'O' || i,
    1000000))
FROM generate_series(1, 400) s, generate_series(1, 500) i;

-- A document as a web shop sends it: two lines, a known customer, a card.
CREATE FUNCTION plain.document(a int, b int, customer int, latitude int,
    longitude int) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
SELECT pg_catalog.format('{"channel": "web", "external_id": "%s", "currency": "USD", "customer": {"email": "c%s@example.com"}, "fulfilment": {"kind": "ship", "address": {"country": "US", "latitude": %s, "longitude": -%s}}, "lines": [{"sku": "O%s", "quantity": 1, "unit_price": "19.99"}, {"sku": "O%s", "quantity": 1, "unit_price": "9.99"}], "tenders": [{"kind": "card", "reference": "r", "amount": "29.98"}]}',
    gen_random_uuid(), customer, latitude / 1000.0, longitude / 1000.0, a, b)::jsonb
$$;
SELECT count(omni.place_order(plain.document(1 + g % 499, 500, g, 40000, 90000)))
FROM generate_series(0, 999) g;

-- The sample's rows are those that its transaction left in any table.
DO $do$
DECLARE
    a_table record;
    rows jsonb;
    a_row jsonb;
    a_column record;
    list text;
    tuples text;
    body text;
    statements text[] := '{}';
    ids text[] := '{}';
BEGIN
    PERFORM omni.place_order(plain.document(1, 500, 7, 40000, 90000));
    FOR a_table IN
        SELECT c.oid::regclass AS name, n.nspname || '_' || c.relname AS copy
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('omni', 'omni_internal') AND c.relkind = 'r'
        ORDER BY 1
    LOOP
        EXECUTE format('SELECT jsonb_agg(to_jsonb(t)) FROM %s t'
            || ' WHERE t.xmin = pg_current_xact_id()::xid', a_table.name)
            INTO rows;
        CONTINUE WHEN rows IS NULL;
        EXECUTE format('CREATE TABLE plain.%I (LIKE %s INCLUDING DEFAULTS'
            || ' INCLUDING INDEXES INCLUDING CONSTRAINTS INCLUDING STORAGE)',
            a_table.copy, a_table.name);
        tuples := NULL;
        FOR a_row IN SELECT jsonb_array_elements(rows) LOOP
            list := NULL;
            FOR a_column IN
                SELECT attname AS name, format_type(atttypid, atttypmod) AS type
                FROM pg_attribute WHERE attrelid = a_table.name
                    AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            LOOP
                list := concat_ws(', ', list, CASE
                    WHEN a_row -> a_column.name = 'null' THEN 'NULL'
                    WHEN a_column.name = 'external_id'
                        THEN 'gen_random_uuid()::text'
                    WHEN a_column.type = 'xid8' THEN 'pg_current_xact_id()'
                    WHEN a_column.type = 'timestamp with time zone' THEN 'now()'
                    WHEN a_column.type = 'bigint' AND a_column.name NOT IN
                        ('item_id', 'node_id', 'channel_id', 'customer_id',
                        'entity_id')
                        THEN 'i' || (a_row ->> a_column.name)
                    ELSE quote_literal(a_row ->> a_column.name) || '::'
                        || a_column.type END);
                IF a_column.type = 'bigint' THEN
                    ids := ids || (a_row ->> a_column.name);
                END IF;
            END LOOP;
            tuples := concat_ws(', ', tuples, '(' || list || ')');
        END LOOP;
        statements := statements || format('INSERT INTO plain.%I VALUES %s',
            a_table.copy, tuples);
    END LOOP;
    FOR a_table IN
        SELECT replace(c.conrelid::regclass::text, '.', '_') AS copy,
            replace(c.confrelid::regclass::text, '.', '_') AS parent,
            c.confrelid::regclass AS of, pg_get_constraintdef(c.oid) AS text
        FROM pg_constraint c WHERE c.contype = 'f'
    LOOP
        CONTINUE WHEN to_regclass('plain.' || a_table.copy) IS NULL
            OR to_regclass('plain.' || a_table.parent) IS NULL;
        EXECUTE format('ALTER TABLE plain.%I ADD %s', a_table.copy,
            replace(a_table.text, a_table.of::text, 'plain.' || a_table.parent));
    END LOOP;
    -- parents first
    body := (SELECT string_agg(s || ';', '' ORDER BY CASE
            WHEN s ~ '^INSERT INTO plain.omni_sales_order ' THEN 0
            WHEN s ~ '^INSERT INTO plain.omni_(order_request|order_line) ' THEN 1
            WHEN s ~ '^INSERT INTO plain.omni_fulfilment ' THEN 2
            ELSE 3 END)
        FROM unnest(statements) s);
    EXECUTE format('CREATE FUNCTION plain.place_order() RETURNS bigint'
        || ' LANGUAGE plpgsql AS %L', 'DECLARE '
        || (SELECT string_agg('i' || i || ' bigint := nextval(''plain.id'');',
            ' ') FROM (SELECT DISTINCT unnest(ids) i) x WHERE i IS NOT NULL)
        || ' BEGIN ' || body || ' RETURN 1; END');
END
$do$;
