-- What the benchmark compares: omni's stock of many items at one node, and in
-- schema "plain" what one would write without omni.  :items is their number.
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 44.9, -93.2);
INSERT INTO omni.item (sku) SELECT g::text FROM generate_series(1, :items) g;
SELECT count(omni.receive_stock('N', g::text, 2000000000))
FROM generate_series(1, :items) g;

CREATE SCHEMA plain;
CREATE TABLE plain.stock (item bigint, node bigint, on_hand bigint NOT NULL,
    reserved bigint NOT NULL, PRIMARY KEY (item, node)) WITH (fillfactor = 50);
INSERT INTO plain.stock SELECT g, 1, 2000000000, 0
FROM generate_series(1, :items) g;

-- One narrow row with two indexes: the limit of anything durable.
CREATE TABLE plain.narrow (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item bigint NOT NULL,
    node bigint NOT NULL,
    quantity integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON plain.narrow (item);
CREATE TABLE plain.reservation (LIKE plain.narrow INCLUDING ALL);

-- The ledger's own columns and indexes, without anything of omni.
CREATE SEQUENCE plain.id CACHE 1;
CREATE TABLE plain.wide (LIKE omni.stock_ledger
    INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING STORAGE);

-- A guarded UPDATE in a function.
CREATE FUNCTION plain.reserve(an_item bigint, wanted int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    the_id bigint;
BEGIN
    UPDATE plain.stock SET reserved = reserved + wanted
    WHERE item = an_item AND node = 1 AND on_hand - reserved >= wanted;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'insufficient stock';
    END IF;
    INSERT INTO plain.reservation (item, node, quantity)
    VALUES (an_item, 1, wanted) RETURNING id INTO the_id;
    RETURN the_id;
END $$;
-- Several lines, in the order of the items, or they would deadlock.
CREATE FUNCTION plain.reserve_lines(the_items bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    an_item bigint;
    the_id bigint;
BEGIN
    FOR an_item IN SELECT unnest(the_items) ORDER BY 1 LOOP
        the_id := plain.reserve(an_item, 1);
    END LOOP;
    RETURN the_id;
END $$;
-- A thousand lines, set by set.
CREATE FUNCTION plain.reserve_range(first bigint, lines int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM FROM plain.stock WHERE item >= first AND item < first + lines
        AND node = 1 ORDER BY item FOR UPDATE;
    UPDATE plain.stock SET reserved = reserved + 1
    WHERE item >= first AND item < first + lines AND node = 1
      AND on_hand - reserved >= 1;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed < lines THEN
        RAISE EXCEPTION 'insufficient stock';
    END IF;
    INSERT INTO plain.reservation (item, node, quantity)
    SELECT g, 1, 1 FROM generate_series(first, first + lines - 1) g;
    RETURN changed;
END $$;
