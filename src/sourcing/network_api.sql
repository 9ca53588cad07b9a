-- sourcing: triggers, what people ask of the network, comments and rights.

CREATE FUNCTION omni_internal.network_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_config_changed';
COMMENT ON FUNCTION omni_internal.network_changed() IS
    'tells every session that a table of the network has changed';

-- Row triggers, as in master: the apply worker of logical replication fires no
-- statement triggers, TRUNCATE apart.

CREATE TRIGGER cost_currency_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.cost_currency
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.cost_currency ENABLE ALWAYS TRIGGER cost_currency_change;
CREATE TRIGGER cost_currency_truncated
    AFTER TRUNCATE ON omni.cost_currency
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.cost_currency ENABLE ALWAYS TRIGGER cost_currency_truncated;

CREATE TRIGGER zone_chart_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.zone_chart
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.zone_chart ENABLE ALWAYS TRIGGER zone_chart_change;
CREATE TRIGGER zone_chart_truncated
    AFTER TRUNCATE ON omni.zone_chart
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.zone_chart ENABLE ALWAYS TRIGGER zone_chart_truncated;

CREATE TRIGGER postal_zone_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.postal_zone
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.postal_zone ENABLE ALWAYS TRIGGER postal_zone_change;
CREATE TRIGGER postal_zone_truncated
    AFTER TRUNCATE ON omni.postal_zone
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.postal_zone ENABLE ALWAYS TRIGGER postal_zone_truncated;

CREATE TRIGGER distance_band_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.distance_band
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.distance_band ENABLE ALWAYS TRIGGER distance_band_change;
CREATE TRIGGER distance_band_truncated
    AFTER TRUNCATE ON omni.distance_band
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.distance_band ENABLE ALWAYS TRIGGER distance_band_truncated;

CREATE TRIGGER carrier_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.carrier
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.carrier ENABLE ALWAYS TRIGGER carrier_change;
CREATE TRIGGER carrier_truncated
    AFTER TRUNCATE ON omni.carrier
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.carrier ENABLE ALWAYS TRIGGER carrier_truncated;

CREATE TRIGGER carrier_holiday_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.carrier_holiday
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.carrier_holiday ENABLE ALWAYS TRIGGER carrier_holiday_change;
CREATE TRIGGER carrier_holiday_truncated
    AFTER TRUNCATE ON omni.carrier_holiday
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.carrier_holiday ENABLE ALWAYS TRIGGER carrier_holiday_truncated;

CREATE TRIGGER service_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.service
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.service ENABLE ALWAYS TRIGGER service_change;
CREATE TRIGGER service_truncated
    AFTER TRUNCATE ON omni.service
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.service ENABLE ALWAYS TRIGGER service_truncated;

CREATE TRIGGER service_rate_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.service_rate
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.service_rate ENABLE ALWAYS TRIGGER service_rate_change;
CREATE TRIGGER service_rate_truncated
    AFTER TRUNCATE ON omni.service_rate
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.service_rate ENABLE ALWAYS TRIGGER service_rate_truncated;

CREATE TRIGGER service_zone_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.service_zone
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.service_zone ENABLE ALWAYS TRIGGER service_zone_change;
CREATE TRIGGER service_zone_truncated
    AFTER TRUNCATE ON omni.service_zone
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.service_zone ENABLE ALWAYS TRIGGER service_zone_truncated;

CREATE TRIGGER node_group_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.node_group
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.node_group ENABLE ALWAYS TRIGGER node_group_change;
CREATE TRIGGER node_group_truncated
    AFTER TRUNCATE ON omni.node_group
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.node_group ENABLE ALWAYS TRIGGER node_group_truncated;

CREATE TRIGGER node_group_member_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.node_group_member
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.node_group_member ENABLE ALWAYS TRIGGER node_group_member_change;
CREATE TRIGGER node_group_member_truncated
    AFTER TRUNCATE ON omni.node_group_member
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.node_group_member ENABLE ALWAYS TRIGGER node_group_member_truncated;

CREATE TRIGGER node_policy_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.node_policy
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.node_policy ENABLE ALWAYS TRIGGER node_policy_change;
CREATE TRIGGER node_policy_truncated
    AFTER TRUNCATE ON omni.node_policy
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.node_policy ENABLE ALWAYS TRIGGER node_policy_truncated;

CREATE TRIGGER opening_hours_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.opening_hours
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.opening_hours ENABLE ALWAYS TRIGGER opening_hours_change;
CREATE TRIGGER opening_hours_truncated
    AFTER TRUNCATE ON omni.opening_hours
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.opening_hours ENABLE ALWAYS TRIGGER opening_hours_truncated;

CREATE TRIGGER special_day_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.special_day
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.special_day ENABLE ALWAYS TRIGGER special_day_change;
CREATE TRIGGER special_day_truncated
    AFTER TRUNCATE ON omni.special_day
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.special_day ENABLE ALWAYS TRIGGER special_day_truncated;

CREATE TRIGGER node_capacity_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.node_capacity
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.node_capacity ENABLE ALWAYS TRIGGER node_capacity_change;
CREATE TRIGGER node_capacity_truncated
    AFTER TRUNCATE ON omni.node_capacity
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.node_capacity ENABLE ALWAYS TRIGGER node_capacity_truncated;

CREATE TRIGGER shadow_price_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.shadow_price
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.shadow_price ENABLE ALWAYS TRIGGER shadow_price_change;
CREATE TRIGGER shadow_price_truncated
    AFTER TRUNCATE ON omni.shadow_price
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.shadow_price ENABLE ALWAYS TRIGGER shadow_price_truncated;

CREATE TRIGGER routing_rule_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.routing_rule
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.routing_rule ENABLE ALWAYS TRIGGER routing_rule_change;
CREATE TRIGGER routing_rule_truncated
    AFTER TRUNCATE ON omni.routing_rule
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.routing_rule ENABLE ALWAYS TRIGGER routing_rule_truncated;

CREATE TRIGGER sourcing_policy_change
    AFTER INSERT OR UPDATE OR DELETE ON omni.sourcing_policy
    FOR EACH ROW EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.sourcing_policy ENABLE ALWAYS TRIGGER sourcing_policy_change;
CREATE TRIGGER sourcing_policy_truncated
    AFTER TRUNCATE ON omni.sourcing_policy
    FOR EACH STATEMENT EXECUTE FUNCTION omni_internal.network_changed();
ALTER TABLE omni.sourcing_policy ENABLE ALWAYS TRIGGER sourcing_policy_truncated;

-- ---- functions ----

CREATE FUNCTION omni.promise_dates(node text, destination jsonb,
    service text DEFAULT NULL, at timestamptz DEFAULT NULL)
    RETURNS TABLE(service_code text, carrier text, zone integer,
        ship_day date, delivery_day date, order_by timestamptz,
        reasons text[])
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_promise_dates';
COMMENT ON FUNCTION omni.promise_dates(text, jsonb, text, timestamptz) IS
    'when an order that comes at this moment (null: now) would leave the node and arrive, by each active service, and why not earlier';

CREATE FUNCTION omni.shipping_rates(node text, destination jsonb,
    weight_g bigint)
    RETURNS TABLE(service_code text, carrier text, zone integer, rate bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_shipping_rates';
COMMENT ON FUNCTION omni.shipping_rates(text, jsonb, bigint) IS
    'what a shipment of so many grams costs by each active service, in minor units of the cost currency; null: it does not go there';

CREATE FUNCTION omni.node_open(node text, at timestamptz DEFAULT NULL)
    RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_node_open';
COMMENT ON FUNCTION omni.node_open(text, timestamptz) IS
    'is the node open at this moment (null: now)?';

CREATE FUNCTION omni.next_opening(node text, at timestamptz DEFAULT NULL)
    RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_next_opening';
COMMENT ON FUNCTION omni.next_opening(text, timestamptz) IS
    'the moment (null: now) itself when the node is open then, else when it opens next';

CREATE FUNCTION omni.pickup_ready(node text, at timestamptz DEFAULT NULL)
    RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_pickup_ready';
COMMENT ON FUNCTION omni.pickup_ready(text, timestamptz) IS
    'when an order that comes at this moment (null: now) can be collected at the node';

CREATE FUNCTION omni.read_capacity(node text, day date,
    OUT units integer, OUT soft_units integer, OUT over_cost bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_read_capacity';
COMMENT ON FUNCTION omni.read_capacity(text, date) IS
    'what is configured as the node''s capacity on a day; null: no limit';

CREATE FUNCTION omni.explain_routing(request jsonb) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'omni_sourcing_explain_routing';
COMMENT ON FUNCTION omni.explain_routing(jsonb) IS
    'what the network says of an order, node by node: who is kept out by what, when it ships, what each term costs';

-- ---- comments ----

COMMENT ON TABLE omni.cost_currency IS
    'the one currency that costs are compared in; one row';
COMMENT ON COLUMN omni.cost_currency.single IS
    'always true: there is one row';
COMMENT ON COLUMN omni.cost_currency.currency IS
    'ISO 4217; rates and costs are whole numbers of its minor unit';

COMMENT ON TABLE omni.zone_chart IS
    'how origins and destinations make zones: by pairs of postal codes, else by distance';
COMMENT ON COLUMN omni.zone_chart.code IS
    'what carriers name the chart by';
COMMENT ON COLUMN omni.zone_chart.country IS
    'ISO 3166-1 alpha-2 of the country that the chart is for; null: any';
COMMENT ON COLUMN omni.zone_chart.origin_length IS
    'characters of the longest origin in omni.postal_zone';
COMMENT ON COLUMN omni.zone_chart.destination_length IS
    'characters of the longest destination in omni.postal_zone';
COMMENT ON COLUMN omni.zone_chart.default_zone IS
    'zone where neither a pair nor a distance gives one; null: not served';
COMMENT ON COLUMN omni.zone_chart.abroad_zone IS
    'zone between nodes and destinations of different countries; null: not served';

COMMENT ON TABLE omni.postal_zone IS
    'zones by pairs of postal codes, or of their first characters: the longest destination that fits counts, then the longest origin';
COMMENT ON COLUMN omni.postal_zone.chart IS
    'the chart';
COMMENT ON COLUMN omni.postal_zone.destination IS
    'first characters of the destination''s postal code, capitals and digits';
COMMENT ON COLUMN omni.postal_zone.origin IS
    'first characters of the node''s postal code, capitals and digits';
COMMENT ON COLUMN omni.postal_zone.zone IS
    '0 to 63';

COMMENT ON TABLE omni.distance_band IS
    'zones by distance, where no pair of postal codes fits';
COMMENT ON COLUMN omni.distance_band.chart IS
    'the chart';
COMMENT ON COLUMN omni.distance_band.up_to_km IS
    'up to so many kilometres, great circle';
COMMENT ON COLUMN omni.distance_band.zone IS
    '0 to 63';

COMMENT ON TABLE omni.carrier IS
    'who carries parcels: carriers, own vans';
COMMENT ON COLUMN omni.carrier.code IS
    'what services name it by';
COMMENT ON COLUMN omni.carrier.name IS
    'for people';
COMMENT ON COLUMN omni.carrier.zone_chart IS
    'chart of its zones; null: the built-in one, by distance';
COMMENT ON COLUMN omni.carrier.currency IS
    'currency of its rates, if it is to be held to omni.cost_currency';
COMMENT ON COLUMN omni.carrier.status IS
    'active, or inactive: none of its services is used';

COMMENT ON TABLE omni.carrier_holiday IS
    'days on which a carrier neither picks up nor delivers';
COMMENT ON COLUMN omni.carrier_holiday.carrier IS
    'the carrier';
COMMENT ON COLUMN omni.carrier_holiday.day IS
    'the date';
COMMENT ON COLUMN omni.carrier_holiday.name IS
    'for people';

COMMENT ON TABLE omni.service IS
    'a carrier''s services';
COMMENT ON COLUMN omni.service.code IS
    'what promise_dates() and rules name it by';
COMMENT ON COLUMN omni.service.carrier IS
    'the carrier';
COMMENT ON COLUMN omni.service.name IS
    'for people';
COMMENT ON COLUMN omni.service.node_kinds IS
    'kinds of nodes that it picks up from';
COMMENT ON COLUMN omni.service.parcel_max_g IS
    'grams that a parcel may weigh; heavier shipments go in full parcels and a rest';
COMMENT ON COLUMN omni.service.bracket_g IS
    'weights are rounded up to whole multiples of so many grams';
COMMENT ON COLUMN omni.service.transit_days IS
    'delivery days on the way, where omni.service_zone does not say';
COMMENT ON COLUMN omni.service.pickup_days IS
    'weekdays on which it picks up: 1 Monday to 7 Sunday';
COMMENT ON COLUMN omni.service.delivery_days IS
    'weekdays on which it delivers, and which count as transit days';
COMMENT ON COLUMN omni.service.cutoff IS
    'local time up to which orders go with the same day''s pick-up; null: the node''s';
COMMENT ON COLUMN omni.service.status IS
    'active, or inactive: not used';

COMMENT ON TABLE omni.service_rate IS
    'rate cards: what a parcel costs by zone and weight; a zone without a row is not served';
COMMENT ON COLUMN omni.service_rate.service IS
    'the service';
COMMENT ON COLUMN omni.service_rate.zone IS
    'zone of the carrier''s chart';
COMMENT ON COLUMN omni.service_rate.up_to_g IS
    'for parcels of up to so many grams';
COMMENT ON COLUMN omni.service_rate.rate IS
    'of one parcel, minor units of the cost currency';

COMMENT ON TABLE omni.service_zone IS
    'transit days by zone';
COMMENT ON COLUMN omni.service_zone.service IS
    'the service';
COMMENT ON COLUMN omni.service_zone.zone IS
    'zone of the carrier''s chart';
COMMENT ON COLUMN omni.service_zone.transit_days IS
    'delivery days on the way; 0: on the day that it leaves';

COMMENT ON TABLE omni.node_group IS
    'groups of nodes, for rules and special days';
COMMENT ON COLUMN omni.node_group.code IS
    'what rules name it by';
COMMENT ON COLUMN omni.node_group.name IS
    'for people';

COMMENT ON TABLE omni.node_group_member IS
    'who is in a group';
COMMENT ON COLUMN omni.node_group_member.node_group IS
    'the group';
COMMENT ON COLUMN omni.node_group_member.node IS
    'the node';
COMMENT ON COLUMN omni.node_group_member.rank IS
    'place in the order of preference, from 0; equal ones are equal';

COMMENT ON TABLE omni.node_policy IS
    'what holds at a node, or at all nodes of a kind: costs, cut-off, lead time, capacity; null: as the kind''s row says, or the default';
COMMENT ON COLUMN omni.node_policy.id IS
    'id, given by the database';
COMMENT ON COLUMN omni.node_policy.node_kind IS
    'store, warehouse, dropship or virtual; exactly one of this and node is given';
COMMENT ON COLUMN omni.node_policy.node IS
    'the node';
COMMENT ON COLUMN omni.node_policy.shipment_cost IS
    'of each shipment: picking, packing, handling; minor units; default 0';
COMMENT ON COLUMN omni.node_policy.unit_cost IS
    'of each unit: labour; minor units; default 0';
COMMENT ON COLUMN omni.node_policy.cutoff IS
    'local time up to which orders count as of the same working day; default: all day';
COMMENT ON COLUMN omni.node_policy.lead_days IS
    'working days between order and dispatch; default 0';
COMMENT ON COLUMN omni.node_policy.ready_minutes IS
    'minutes of opening until a pickup is ready; default 60';
COMMENT ON COLUMN omni.node_policy.daily_units IS
    'units that it takes on a day; default: no limit';
COMMENT ON COLUMN omni.node_policy.soft_daily_units IS
    'units that it takes on a day without over_cost; default: no limit';
COMMENT ON COLUMN omni.node_policy.over_cost IS
    'of each unit above soft_daily_units; minor units; default 0';

COMMENT ON TABLE omni.opening_hours IS
    'when a node works, by weekday; a node without rows works day and night';
COMMENT ON COLUMN omni.opening_hours.node IS
    'the node';
COMMENT ON COLUMN omni.opening_hours.weekday IS
    '1 Monday to 7 Sunday; a weekday without a row is closed';
COMMENT ON COLUMN omni.opening_hours.opens IS
    'local time';
COMMENT ON COLUMN omni.opening_hours.closes IS
    'local time, above opens; 24:00 is midnight';

COMMENT ON TABLE omni.special_day IS
    'dates that are not like their weekday: holidays, short days, Sundays of opening; the row of a node goes before one of its group, that before one of its country, that before everybody''s';
COMMENT ON COLUMN omni.special_day.id IS
    'id, given by the database';
COMMENT ON COLUMN omni.special_day.day IS
    'the date, local';
COMMENT ON COLUMN omni.special_day.country IS
    'for nodes of this country; at most one of this, node_group and node is given; none: for every node';
COMMENT ON COLUMN omni.special_day.node_group IS
    'for nodes of this group';
COMMENT ON COLUMN omni.special_day.node IS
    'for this node';
COMMENT ON COLUMN omni.special_day.opens IS
    'local time; null: closed all day';
COMMENT ON COLUMN omni.special_day.closes IS
    'local time; null exactly when opens is';
COMMENT ON COLUMN omni.special_day.cutoff IS
    'local time; null: as on other days';
COMMENT ON COLUMN omni.special_day.name IS
    'for people';

COMMENT ON TABLE omni.node_capacity IS
    'capacity of a node on a date, where it is not the usual one';
COMMENT ON COLUMN omni.node_capacity.node IS
    'the node';
COMMENT ON COLUMN omni.node_capacity.day IS
    'the date on which parcels leave, local';
COMMENT ON COLUMN omni.node_capacity.units IS
    'units that it takes; null: as on other days';
COMMENT ON COLUMN omni.node_capacity.soft_units IS
    'units that it takes without over_cost; null: as on other days';
COMMENT ON COLUMN omni.node_capacity.over_cost IS
    'of each unit above soft_units, minor units; null: as on other days';

COMMENT ON TABLE omni.shadow_price IS
    'what a unit is worth where it lies; no row: 0';
COMMENT ON COLUMN omni.shadow_price.item IS
    'id of the item';
COMMENT ON COLUMN omni.shadow_price.node IS
    'id of the node';
COMMENT ON COLUMN omni.shadow_price.shadow IS
    'cost of taking a unit from here, because it would have been sold here; minor units';
COMMENT ON COLUMN omni.shadow_price.markdown IS
    'benefit of taking a unit from here, because it would be marked down; minor units';

COMMENT ON TABLE omni.routing_rule IS
    'rules by which orders are routed, applied by position: conditions on the order, the nodes it is about, what it does';
COMMENT ON COLUMN omni.routing_rule.position IS
    'the order of rules';
COMMENT ON COLUMN omni.routing_rule.name IS
    'for people, and in explanations';
COMMENT ON COLUMN omni.routing_rule.active IS
    'false: not applied';
COMMENT ON COLUMN omni.routing_rule.channel IS
    'condition: orders of this channel';
COMMENT ON COLUMN omni.routing_rule.country IS
    'condition: destinations in this country';
COMMENT ON COLUMN omni.routing_rule.region IS
    'condition: destinations in this region, as the address writes it';
COMMENT ON COLUMN omni.routing_rule.postal_prefix IS
    'condition: destinations whose postal code begins so, capitals and digits';
COMMENT ON COLUMN omni.routing_rule.item_category IS
    'condition: lines of this category or one below it; the rule is then about these lines alone';
COMMENT ON COLUMN omni.routing_rule.min_value IS
    'condition: orders worth at least this, in this currency';
COMMENT ON COLUMN omni.routing_rule.max_value IS
    'condition: orders worth at most this, in this currency';
COMMENT ON COLUMN omni.routing_rule.node IS
    'whom: this node';
COMMENT ON COLUMN omni.routing_rule.node_kind IS
    'whom: nodes of this kind';
COMMENT ON COLUMN omni.routing_rule.node_group IS
    'whom: members of this group';
COMMENT ON COLUMN omni.routing_rule.node_country IS
    'whom: nodes in this country';
COMMENT ON COLUMN omni.routing_rule.node_region IS
    'whom: nodes in this region';
COMMENT ON COLUMN omni.routing_rule.within_km IS
    'whom: nodes within so many kilometres of the destination';
COMMENT ON COLUMN omni.routing_rule.same_country IS
    'whom: nodes in the destination''s country';
COMMENT ON COLUMN omni.routing_rule.same_region IS
    'whom: nodes in the destination''s region and country';
COMMENT ON COLUMN omni.routing_rule.service IS
    'whom: nodes from which this service goes to the destination';
COMMENT ON COLUMN omni.routing_rule.action IS
    'only: no other nodes; exclude: not these; prefer: others cost surcharge more';
COMMENT ON COLUMN omni.routing_rule.strict IS
    'false: the rule is dropped for an order where it would leave no node';
COMMENT ON COLUMN omni.routing_rule.surcharge IS
    'prefer: minor units on each shipment (of lines of a category: on each unit) from another node; within a group, times the rank';

COMMENT ON TABLE omni.sourcing_policy IS
    'how orders may be split, what lateness and missing units cost: of a channel, or of all; null: as the row of all says, or the default';
COMMENT ON COLUMN omni.sourcing_policy.id IS
    'id, given by the database';
COMMENT ON COLUMN omni.sourcing_policy.channel IS
    'the channel; null: of all that have no row';
COMMENT ON COLUMN omni.sourcing_policy.split_penalty IS
    'for each shipment beyond the first; minor units; default 500';
COMMENT ON COLUMN omni.sourcing_policy.ship_complete IS
    'everything or nothing; default false';
COMMENT ON COLUMN omni.sourcing_policy.whole_lines IS
    'never split a line; default false';
COMMENT ON COLUMN omni.sourcing_policy.max_shipments IS
    'shipments of an order at most; default: any number';
COMMENT ON COLUMN omni.sourcing_policy.min_split_value IS
    'value of goods that each shipment of a split order must reach; default: any';
COMMENT ON COLUMN omni.sourcing_policy.late_fixed IS
    'for each shipment that arrives after the promise; minor units; default 1000';
COMMENT ON COLUMN omni.sourcing_policy.late_per_day IS
    'for each day that it does; minor units; default 500';
COMMENT ON COLUMN omni.sourcing_policy.unfilled_cost IS
    'for each unit that nobody serves; minor units; default 1000000';
COMMENT ON COLUMN omni.sourcing_policy.unfilled_percent IS
    'of the unit''s price on top, where the order is in the cost currency; default 0';
COMMENT ON COLUMN omni.sourcing_policy.unit_weight_g IS
    'grams of a unit whose item says nothing; default 500';

-- ---- rights ----

REVOKE ALL ON TABLE omni.cost_currency, omni.zone_chart, omni.postal_zone,
    omni.distance_band, omni.carrier, omni.carrier_holiday, omni.service,
    omni.service_rate, omni.service_zone, omni.node_group,
    omni.node_group_member, omni.node_policy, omni.opening_hours,
    omni.special_day, omni.node_capacity, omni.shadow_price,
    omni.routing_rule, omni.sourcing_policy
    FROM PUBLIC;
REVOKE ALL ON SEQUENCE omni.node_policy_id_seq, omni.special_day_id_seq,
    omni.sourcing_policy_id_seq FROM PUBLIC;
REVOKE ALL ON FUNCTION
    omni_internal.network_changed(),
    omni.promise_dates(text, jsonb, text, timestamptz),
    omni.shipping_rates(text, jsonb, bigint),
    omni.node_open(text, timestamptz),
    omni.next_opening(text, timestamptz),
    omni.pickup_ready(text, timestamptz),
    omni.read_capacity(text, date),
    omni.explain_routing(jsonb)
    FROM PUBLIC;

-- Costs are the retailer's own business: channels and stores ask the functions
-- for dates.

SELECT omni_internal.allow_relations('{reader,support,admin}', '{select}',
    '{omni.cost_currency,omni.zone_chart,omni.postal_zone,omni.distance_band,
    omni.carrier,omni.carrier_holiday,omni.service,omni.service_rate,
    omni.service_zone,omni.node_group,omni.node_group_member,
    omni.node_policy,omni.opening_hours,omni.special_day,
    omni.node_capacity,omni.shadow_price,omni.routing_rule,
    omni.sourcing_policy}');
SELECT omni_internal.allow_relations('{admin}', '{insert,update,delete}',
    '{omni.cost_currency,omni.zone_chart,omni.postal_zone,omni.distance_band,
    omni.carrier,omni.carrier_holiday,omni.service,omni.service_rate,
    omni.service_zone,omni.node_group,omni.node_group_member,
    omni.node_policy,omni.opening_hours,omni.special_day,
    omni.node_capacity,omni.shadow_price,omni.routing_rule,
    omni.sourcing_policy}');
SELECT omni_internal.allow_functions('{reader,channel,store,support,admin}',
    '{omni.promise_dates,omni.node_open,omni.next_opening,
    omni.pickup_ready}');
SELECT omni_internal.allow_functions('{reader,support,admin}',
    '{omni.shipping_rates,omni.read_capacity,omni.explain_routing}');
