#!/usr/bin/env bash
# A best-seller: many sessions reserve one item at one node, one durable
# commit each.  Prints reservations per second and two ratios:
#
#   omni       omni.reserve_stock()
#   guarded    what one would write without omni: a function with a guarded
#              UPDATE of the stock row and an INSERT of the reservation
#   bare       the durable limit: an INSERT of one row of the ledger's shape
#              into a table with as many indexes as omni's write path fills
#
# The three take turns, ROUNDS times SECONDS_EACH, so that what else the
# machine does falls on all of them.  CLIENTS sessions.  Called by "make bench"
# through test/throwaway.sh, which gives it a server with fsync on.
set -euo pipefail

clients=${CLIENTS:-32}
seconds=${SECONDS_EACH:-8}
rounds=${ROUNDS:-2}
out=${OMNI_WORK:?run me through make bench}
ways=(omni guarded bare)

psql -X -q -v ON_ERROR_STOP=1 -d postgres -c 'CREATE DATABASE bench'
export PGDATABASE=bench
psql -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE EXTENSION omni;
SELECT omni.adopt();
INSERT INTO omni.node (code, kind, latitude, longitude)
VALUES ('N', 'store', 44.9, -93.2);
INSERT INTO omni.item (sku) VALUES ('HOT');
SELECT omni.receive_stock('N', 'HOT', 2000000000);

CREATE SCHEMA plain;
CREATE TABLE plain.stock (item bigint, node bigint, on_hand bigint NOT NULL,
    reserved bigint NOT NULL, PRIMARY KEY (item, node)) WITH (fillfactor = 50);
INSERT INTO plain.stock VALUES (1, 1, 2000000000, 0);
-- The ledger's columns and as many indexes, without anything of omni.
CREATE SEQUENCE plain.id CACHE 1;
CREATE TABLE plain.reservation (LIKE omni.stock_ledger INCLUDING DEFAULTS);
ALTER TABLE plain.reservation ADD PRIMARY KEY (id);
CREATE INDEX ON plain.reservation (era, xid);
CREATE TABLE plain.bare (LIKE omni.stock_ledger INCLUDING DEFAULTS);
ALTER TABLE plain.bare ADD PRIMARY KEY (id);
CREATE INDEX ON plain.bare (era, xid);

CREATE FUNCTION plain.reserve(an_item bigint, a_node bigint, wanted int)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    the_id bigint;
BEGIN
    UPDATE plain.stock SET reserved = reserved + wanted
    WHERE item = an_item AND node = a_node AND on_hand - reserved >= wanted;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'insufficient stock';
    END IF;
    INSERT INTO plain.reservation (id, item_id, node_id, quantity, reserved,
        era, occurred_at, recorded_at, kind, actor)
    VALUES (nextval('plain.id'), an_item, a_node, 0, wanted, 1, now(), now(),
        'reserve', current_user)
    RETURNING id INTO the_id;
    RETURN the_id;
END $$;
SQL
cat >"$out/omni.sql" <<'SQL'
SELECT omni.reserve_stock('HOT', 1, 'N');
SQL
cat >"$out/guarded.sql" <<'SQL'
SELECT plain.reserve(1, 1, 1);
SQL
cat >"$out/bare.sql" <<'SQL'
INSERT INTO plain.bare (id, item_id, node_id, quantity, reserved, era, occurred_at, recorded_at, kind, actor) VALUES (nextval('plain.id'), 1, 1, 0, 1, 1, now(), now(), 'reserve', 'postgres');
SQL

echo "$(psql -X -A -t -c 'SHOW server_version'), $(nproc) cores, fsync" \
    "$(psql -X -A -t -c 'SHOW fsync'), $clients clients, $rounds × $seconds s" \
    "each, by turns"
declare -A total latency
for way in "${ways[@]}"; do
    total[$way]=0
    pgbench -n -M prepared -c "$clients" -j 2 -T 1 -f "$out/$way.sql" \
        >/dev/null 2>&1
done
for round in $(seq "$rounds"); do
    for way in "${ways[@]}"; do
        psql -X -q -c CHECKPOINT
        pgbench -n -M prepared -c "$clients" -j 2 -T "$seconds" \
            -f "$out/$way.sql" >"$out/$way.out" 2>&1 ||
            { cat "$out/$way.out"; exit 1; }
        tps=$(sed -n 's/^tps = \([0-9]*\).*/\1/p' "$out/$way.out")
        latency[$way]=$(sed -n 's/^latency average = //p' "$out/$way.out")
        total[$way]=$((total[$way] + tps))
        echo "round $round: $way $tps/s, ${latency[$way]} on average"
    done
done

differences=$(psql -X -A -t -c 'SELECT count(*) FROM omni.verify_stock()')
for way in "${ways[@]}"; do
    printf '%-8s %7d reservations/s\n' "$way" $((total[$way] / rounds))
done
ratio() { awk "BEGIN { printf \"%.2f\", ${total[omni]} / ${total[$1]} }"; }
echo "omni / guarded UPDATE: $(ratio guarded)   (target: at least 6)"
echo "omni / bare INSERT:    $(ratio bare)   (target: at least 0.7)"
echo "verify_stock(): $differences rows"
[ "$differences" = 0 ]
