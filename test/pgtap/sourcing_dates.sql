-- When an order ships and arrives: hours, cut-offs, holidays, time zones, lead
-- times, carriers' days.  2026-11-02 is a Monday.
SELECT plan(49);
SET TimeZone = 'UTC';

INSERT INTO omni.node(code, kind, latitude, longitude, country, timezone) VALUES
    ('MSP', 'store', 44.97, -93.27, 'US', 'America/Chicago'),
    ('DC', 'warehouse', 41.88, -87.63, 'US', 'America/Chicago'),
    ('BER', 'store', 52.5, 13.4, 'DE', 'Europe/Berlin');

-- The days of one service, as text.
CREATE FUNCTION pg_temp.dates(node text, at timestamptz, service text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', service_code, ship_day, delivery_day, NULLIF(array_to_string(reasons, '+'), '')), ', ')
    FROM omni.promise_dates(node, '{"latitude": 44.9, "longitude": -93.2, "country": "US"}', service, at) $$;

-- ---- nothing configured ----

SELECT is(pg_temp.dates('MSP', '2026-11-02 23:00-06'), 'standard 2026-11-02 2026-11-03',
    'without any configuration a near order leaves the same day and is there the next');
SELECT is(pg_temp.dates('MSP', '2026-11-07 12:00-06'), 'standard 2026-11-09 2026-11-10 no_pickup',
    'nobody picks up on a Saturday');
SELECT is(pg_temp.dates('BER', '2026-11-02 12:00Z'), 'standard 2026-11-02 2026-11-13 no_delivery',
    'abroad takes ten delivery days, of which Sunday is none');
SELECT ok(omni.node_open('MSP', '2026-11-02 03:00-06'), 'a node without hours is open at night');

-- ---- a carrier ----

INSERT INTO omni.carrier(code) VALUES ('UPS'), ('VAN');
INSERT INTO omni.service(code, carrier, transit_days) VALUES ('ground', 'UPS', 2);
INSERT INTO omni.service(code, carrier, transit_days, node_kinds, pickup_days, delivery_days, cutoff)
    VALUES ('van', 'VAN', 0, '{store}', '{1,2,3,4,5,6,7}', '{1,2,3,4,5,6,7}', '10:00');
SELECT is(pg_temp.dates('MSP', '2026-11-02 12:00-06', 'ground'), 'ground no_rate',
    'a service without a rate for the zone does not go there, and says so');
INSERT INTO omni.service_rate SELECT 'ground', z, 20000, 100 * z FROM generate_series(1, 8) z;
INSERT INTO omni.service_rate VALUES ('van', 1, 20000, 0);
SELECT is(pg_temp.dates('MSP', '2026-11-02 09:00-06'), 'ground 2026-11-02 2026-11-04, van 2026-11-02 2026-11-02',
    'each service has its days');
SELECT is(pg_temp.dates('MSP', '2026-11-02 10:01-06', 'van'), 'van 2026-11-03 2026-11-03 cutoff',
    'the van has left at ten');
SELECT is(pg_temp.dates('MSP', '2026-11-02 10:00-06', 'van'), 'van 2026-11-02 2026-11-02',
    'the cut-off''s own minute is in time');
SELECT is(pg_temp.dates('DC', '2026-11-02 09:00-06', 'van'), 'van node_kind', 'the van serves stores alone');
SELECT is(pg_temp.dates('BER', '2026-11-02 09:00Z', 'ground'), 'ground no_rate',
    'there is no rate for abroad');
INSERT INTO omni.service_zone VALUES ('ground', 1, 1), ('ground', 4, 4);
SELECT is(pg_temp.dates('MSP', '2026-11-02 12:00-06', 'ground'), 'ground 2026-11-02 2026-11-03', 'transit days by zone: near');
SELECT is(pg_temp.dates('DC', '2026-11-02 12:00-06', 'ground'), 'ground 2026-11-02 2026-11-06', 'and farther away');
SELECT is(pg_temp.dates('DC', '2026-11-05 12:00-06', 'ground'), 'ground 2026-11-05 2026-11-10 no_delivery',
    'Sunday is no delivery day');
INSERT INTO omni.carrier_holiday VALUES ('UPS', '2026-11-26', 'Thanksgiving');
SELECT is(pg_temp.dates('MSP', '2026-11-26 08:00-06', 'ground'), 'ground 2026-11-27 2026-11-28 carrier_holiday',
    'nothing leaves on the carrier''s holiday');
SELECT is(pg_temp.dates('MSP', '2026-11-25 08:00-06', 'ground'), 'ground 2026-11-25 2026-11-27 carrier_holiday',
    'and nothing arrives');
UPDATE omni.service SET status = 'inactive' WHERE code = 'van';
SELECT is(pg_temp.dates('MSP', '2026-11-02 09:00-06'), 'ground 2026-11-02 2026-11-03', 'an inactive service is not offered');
SELECT throws_ok($$ SELECT * FROM omni.promise_dates('MSP', '{}', 'van') $$, 'OM002', NULL, 'nor known by name');
UPDATE omni.carrier SET status = 'inactive' WHERE code = 'UPS';
SELECT is(pg_temp.dates('MSP', '2026-11-02 09:00-06'), NULL,
    'with every service switched off, nobody carries: the built-in tariff does not come back');
UPDATE omni.carrier SET status = 'active';

-- ---- a store's week ----

INSERT INTO omni.node_policy(node_kind, cutoff, ready_minutes) VALUES ('store', '14:00', 90);
INSERT INTO omni.opening_hours SELECT 'MSP', d, '10:00', '21:30' FROM generate_series(1, 6) d;
INSERT INTO omni.opening_hours VALUES ('MSP', 7, '11:00', '19:00');
SELECT is(pg_temp.dates('MSP', '2026-11-02 06:00-06', 'ground'), 'ground 2026-11-02 2026-11-03',
    'an order before opening is in time');
SELECT is(pg_temp.dates('MSP', '2026-11-02 14:30-06', 'ground'), 'ground 2026-11-03 2026-11-04 cutoff', 'one after the cut-off is not');
SELECT is((SELECT order_by FROM omni.promise_dates('MSP', '{"country": "US", "latitude": 44.9, "longitude": -93.2}', 'ground', '2026-11-02 06:00-06')),
    '2026-11-02 14:00-06'::timestamptz, 'order by two o''clock, it says');
SELECT is((SELECT order_by FROM omni.promise_dates('MSP', '{"country": "US", "latitude": 44.9, "longitude": -93.2}', 'ground', '2026-11-06 15:00-06')),
    '2026-11-09 14:00-06'::timestamptz, 'after Friday''s cut-off one has until Monday''s');
SELECT ok(omni.node_open('MSP', '2026-11-02 10:00-06'), 'open when it opens');
SELECT ok(NOT omni.node_open('MSP', '2026-11-02 21:30-06'), 'closed when it closes');
SELECT is(omni.next_opening('MSP', '2026-11-07 22:00-06'), '2026-11-08 11:00-06'::timestamptz, 'Saturday night: Sunday at eleven');
SELECT is(omni.pickup_ready('MSP', '2026-11-02 12:00-06'), '2026-11-02 13:30-06'::timestamptz, 'ready in an hour and a half');
SELECT is(omni.pickup_ready('MSP', '2026-11-02 20:30-06'), '2026-11-03 10:30-06'::timestamptz,
    'what is not ready at closing time is so after the next opening');

-- ---- special days ----

INSERT INTO omni.node_group(code) VALUES ('malls');
INSERT INTO omni.node_group_member VALUES ('malls', 'MSP');
INSERT INTO omni.special_day(day, country, name) VALUES ('2026-11-26', 'US', 'Thanksgiving');
INSERT INTO omni.special_day(day, node_group, opens, closes, name) VALUES ('2026-11-27', 'malls', '05:00', '24:00', 'Black Friday');
SELECT is(omni.next_opening('MSP', '2026-11-26 09:00-06'), '2026-11-27 05:00-06'::timestamptz,
    'closed on the holiday of the country, early on the day of the malls');
SELECT ok(omni.node_open('BER', '2026-11-26 12:00Z'), 'another country has no such holiday');
INSERT INTO omni.special_day(day, country) VALUES ('2026-12-01', 'US');
INSERT INTO omni.special_day(day, node_group) VALUES ('2026-12-02', 'malls');
SELECT ok(NOT omni.node_open('MSP', '2026-12-02 12:00-06'), 'a second day of the group');
SELECT ok(omni.node_open('BER', '2026-12-02 12:00Z'), 'which is not everybody''s');
DELETE FROM omni.carrier_holiday;
SELECT is(pg_temp.dates('MSP', '2026-11-26 09:00-06', 'ground'), 'ground 2026-11-27 2026-11-28 special_day',
    'nothing leaves a closed store');
INSERT INTO omni.special_day(day, node, opens, closes, cutoff) VALUES ('2026-11-26', 'MSP', '08:00', '12:00', '09:00');
SELECT is(pg_temp.dates('MSP', '2026-11-26 09:00-06', 'ground'), 'ground 2026-11-26 2026-11-27',
    'the node''s own row goes before its country''s, with its own cut-off');
SELECT is(pg_temp.dates('MSP', '2026-11-26 09:01-06', 'ground'), 'ground 2026-11-27 2026-11-28 cutoff', 'to the minute');

-- ---- lead times ----

UPDATE omni.node_policy SET lead_days = 2 WHERE node_kind = 'store';
SELECT is(pg_temp.dates('MSP', '2026-11-03 12:00-06', 'ground'), 'ground 2026-11-05 2026-11-06 lead_time', 'two working days');
INSERT INTO omni.node_policy(node, lead_days) VALUES ('MSP', 0);
SELECT is(pg_temp.dates('MSP', '2026-11-03 12:00-06', 'ground'), 'ground 2026-11-03 2026-11-04',
    'a node''s own policy goes before its kind''s');
SELECT is(pg_temp.dates('MSP', '2026-11-03 15:00-06', 'ground'), 'ground 2026-11-04 2026-11-05 cutoff',
    'column by column: the cut-off is still the kind''s');

-- ---- the clocks ----

SELECT is(omni.next_opening('MSP', '2026-03-07 23:00-06'), '2026-03-08 11:00-05'::timestamptz,
    'the night that is an hour short ends at the same local time');
SELECT is(omni.pickup_ready('MSP', '2026-10-31 21:00-05'), '2026-11-01 12:00-06'::timestamptz,
    'so does the one that is an hour long: half an hour before closing, and an hour after opening');
SELECT is(pg_temp.dates('MSP', '2026-11-03 05:30Z', 'ground'), 'ground 2026-11-03 2026-11-04 cutoff',
    'at half past eleven in the evening, local, it is still the day before');
SELECT is(pg_temp.dates('MSP', '2026-11-03 06:30Z', 'ground'), 'ground 2026-11-03 2026-11-04', 'and an hour later it is not');

-- ---- what is refused ----

SELECT throws_ok($$ SELECT * FROM omni.promise_dates('X', '{}') $$, 'OM002', NULL, 'unknown node');
SELECT throws_ok($$ SELECT * FROM omni.promise_dates(NULL, '{}') $$, 'OM002', NULL, 'no node');
SELECT throws_ok($$ SELECT * FROM omni.promise_dates('MSP', NULL) $$, 'OM002', NULL, 'no destination');
SELECT throws_ok($$ SELECT * FROM omni.promise_dates('MSP', '{"zip": "1"}') $$, 'OM006', NULL, 'an unknown key');
SELECT throws_ok($$ SELECT * FROM omni.promise_dates('MSP', '{"latitude": 1}') $$, 'OM006', NULL, 'half a place');
SELECT throws_ok($$ SELECT * FROM omni.promise_dates('MSP', '{}', NULL, 'infinity') $$, 'OM007', NULL, 'no moment');
UPDATE omni.node SET status = 'closed' WHERE code = 'MSP';
SELECT throws_ok($$ SELECT * FROM omni.promise_dates('MSP', '{}') $$, 'OM004', NULL, 'a closed node promises nothing');
SELECT ok(NOT omni.node_open('MSP', '2026-11-03 12:00-06'), 'and is not open');

SELECT * FROM finish();
