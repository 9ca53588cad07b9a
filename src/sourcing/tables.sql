-- sourcing: state.  What a retailer tells omni about carriers, zones, nodes'
-- hours, capacity and costs, and by which rules orders are routed.  DBAs load
-- these with INSERT or COPY; all of them may stay empty.
--
-- Money is a whole number of minor units of the one cost currency; values of
-- orders, which may be in any currency, are omni.amount.

CREATE TABLE omni.cost_currency (
    single boolean NOT NULL DEFAULT true,
    currency text NOT NULL,
    CONSTRAINT cost_currency_pkey PRIMARY KEY (single),
    CONSTRAINT cost_currency_currency_key UNIQUE (currency),
    CONSTRAINT cost_currency_single_check CHECK (single),
    CONSTRAINT cost_currency_currency_check CHECK (omni.is_currency(currency))
);
SELECT pg_catalog.pg_extension_config_dump('omni.cost_currency', '');

-- ---- zones ----

CREATE TABLE omni.zone_chart (
    code text NOT NULL,
    country text,
    origin_length smallint NOT NULL DEFAULT 3,
    destination_length smallint NOT NULL DEFAULT 3,
    default_zone smallint,
    abroad_zone smallint,
    CONSTRAINT zone_chart_pkey PRIMARY KEY (code),
    CONSTRAINT zone_chart_code_check
        CHECK (octet_length(code) BETWEEN 1 AND 64 AND code = btrim(code)),
    CONSTRAINT zone_chart_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT zone_chart_origin_length_check
        CHECK (origin_length BETWEEN 1 AND 16),
    CONSTRAINT zone_chart_destination_length_check
        CHECK (destination_length BETWEEN 1 AND 16),
    CONSTRAINT zone_chart_default_zone_check
        CHECK (default_zone BETWEEN 0 AND 63),
    CONSTRAINT zone_chart_abroad_zone_check
        CHECK (abroad_zone BETWEEN 0 AND 63)
);
SELECT pg_catalog.pg_extension_config_dump('omni.zone_chart', '');

-- The key's order, with the zone in it, is what a look-up of one destination
-- reads: one stretch of one index.
CREATE TABLE omni.postal_zone (
    chart text NOT NULL,
    destination text NOT NULL,
    origin text NOT NULL,
    zone smallint NOT NULL,
    CONSTRAINT postal_zone_pkey PRIMARY KEY (chart, destination, origin)
        INCLUDE (zone),
    CONSTRAINT postal_zone_chart_fkey FOREIGN KEY (chart)
        REFERENCES omni.zone_chart (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT postal_zone_destination_check
        CHECK (destination ~ '^[0-9A-Z]{1,16}$'),
    CONSTRAINT postal_zone_origin_check CHECK (origin ~ '^[0-9A-Z]{1,16}$'),
    CONSTRAINT postal_zone_zone_check CHECK (zone BETWEEN 0 AND 63)
);
SELECT pg_catalog.pg_extension_config_dump('omni.postal_zone', '');

CREATE TABLE omni.distance_band (
    chart text NOT NULL,
    up_to_km integer NOT NULL,
    zone smallint NOT NULL,
    CONSTRAINT distance_band_pkey PRIMARY KEY (chart, up_to_km),
    CONSTRAINT distance_band_chart_fkey FOREIGN KEY (chart)
        REFERENCES omni.zone_chart (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT distance_band_up_to_km_check
        CHECK (up_to_km BETWEEN 1 AND 25000),
    CONSTRAINT distance_band_zone_check CHECK (zone BETWEEN 0 AND 63)
);
SELECT pg_catalog.pg_extension_config_dump('omni.distance_band', '');

-- ---- carriers ----

CREATE TABLE omni.carrier (
    code text NOT NULL,
    name text,
    zone_chart text,
    currency text,
    status text NOT NULL DEFAULT 'active',
    CONSTRAINT carrier_pkey PRIMARY KEY (code),
    CONSTRAINT carrier_code_check
        CHECK (octet_length(code) BETWEEN 1 AND 64 AND code = btrim(code)),
    CONSTRAINT carrier_zone_chart_fkey FOREIGN KEY (zone_chart)
        REFERENCES omni.zone_chart (code) ON UPDATE CASCADE,
    CONSTRAINT carrier_currency_fkey FOREIGN KEY (currency)
        REFERENCES omni.cost_currency (currency),
    CONSTRAINT carrier_status_check CHECK (status IN ('active', 'inactive'))
);
SELECT pg_catalog.pg_extension_config_dump('omni.carrier', '');
CREATE INDEX carrier_zone_chart_idx ON omni.carrier (zone_chart);
CREATE INDEX carrier_currency_idx ON omni.carrier (currency);

CREATE TABLE omni.carrier_holiday (
    carrier text NOT NULL,
    day date NOT NULL,
    name text,
    CONSTRAINT carrier_holiday_pkey PRIMARY KEY (carrier, day),
    CONSTRAINT carrier_holiday_carrier_fkey FOREIGN KEY (carrier)
        REFERENCES omni.carrier (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT carrier_holiday_day_check
        CHECK (day BETWEEN '2000-01-01' AND '2999-12-31')
);
SELECT pg_catalog.pg_extension_config_dump('omni.carrier_holiday', '');

CREATE TABLE omni.service (
    code text NOT NULL,
    carrier text NOT NULL,
    name text,
    node_kinds text[] NOT NULL
        DEFAULT '{store,warehouse,dropship,virtual}',
    parcel_max_g integer NOT NULL DEFAULT 20000,
    bracket_g integer NOT NULL DEFAULT 500,
    transit_days smallint NOT NULL DEFAULT 3,
    pickup_days smallint[] NOT NULL DEFAULT '{1,2,3,4,5}',
    delivery_days smallint[] NOT NULL DEFAULT '{1,2,3,4,5,6}',
    cutoff time,
    status text NOT NULL DEFAULT 'active',
    CONSTRAINT service_pkey PRIMARY KEY (code),
    CONSTRAINT service_code_check
        CHECK (octet_length(code) BETWEEN 1 AND 64 AND code = btrim(code)),
    CONSTRAINT service_carrier_fkey FOREIGN KEY (carrier)
        REFERENCES omni.carrier (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT service_node_kinds_check CHECK (node_kinds <@
        '{store,warehouse,dropship,virtual}' AND node_kinds <> '{}'
        AND array_position(node_kinds, NULL) IS NULL),
    CONSTRAINT service_bracket_g_check
        CHECK (bracket_g BETWEEN 1 AND 1000000),
    CONSTRAINT service_parcel_max_g_check CHECK (parcel_max_g
        BETWEEN bracket_g AND LEAST(100000000, bracket_g::bigint * 1000)
        AND parcel_max_g % bracket_g = 0),
    CONSTRAINT service_transit_days_check
        CHECK (transit_days BETWEEN 0 AND 99),
    CONSTRAINT service_pickup_days_check CHECK (pickup_days <@
        '{1,2,3,4,5,6,7}' AND pickup_days <> '{}'
        AND array_position(pickup_days, NULL) IS NULL),
    CONSTRAINT service_delivery_days_check CHECK (delivery_days <@
        '{1,2,3,4,5,6,7}' AND delivery_days <> '{}'
        AND array_position(delivery_days, NULL) IS NULL),
    CONSTRAINT service_status_check CHECK (status IN ('active', 'inactive'))
);
SELECT pg_catalog.pg_extension_config_dump('omni.service', '');
CREATE INDEX service_carrier_idx ON omni.service (carrier);

CREATE TABLE omni.service_rate (
    service text NOT NULL,
    zone smallint NOT NULL,
    up_to_g integer NOT NULL,
    rate bigint NOT NULL,
    CONSTRAINT service_rate_pkey PRIMARY KEY (service, zone, up_to_g),
    CONSTRAINT service_rate_service_fkey FOREIGN KEY (service)
        REFERENCES omni.service (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT service_rate_zone_check CHECK (zone BETWEEN 0 AND 63),
    CONSTRAINT service_rate_up_to_g_check CHECK (up_to_g > 0),
    CONSTRAINT service_rate_rate_check
        CHECK (rate BETWEEN 0 AND 1000000000000)
);
SELECT pg_catalog.pg_extension_config_dump('omni.service_rate', '');

CREATE TABLE omni.service_zone (
    service text NOT NULL,
    zone smallint NOT NULL,
    transit_days smallint NOT NULL,
    CONSTRAINT service_zone_pkey PRIMARY KEY (service, zone),
    CONSTRAINT service_zone_service_fkey FOREIGN KEY (service)
        REFERENCES omni.service (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT service_zone_zone_check CHECK (zone BETWEEN 0 AND 63),
    CONSTRAINT service_zone_transit_days_check
        CHECK (transit_days BETWEEN 0 AND 99)
);
SELECT pg_catalog.pg_extension_config_dump('omni.service_zone', '');

-- ---- nodes ----

CREATE TABLE omni.node_group (
    code text NOT NULL,
    name text,
    CONSTRAINT node_group_pkey PRIMARY KEY (code),
    CONSTRAINT node_group_code_check
        CHECK (octet_length(code) BETWEEN 1 AND 64 AND code = btrim(code))
);
SELECT pg_catalog.pg_extension_config_dump('omni.node_group', '');

CREATE TABLE omni.node_group_member (
    node_group text NOT NULL,
    node text NOT NULL,
    rank smallint NOT NULL DEFAULT 0,
    CONSTRAINT node_group_member_pkey PRIMARY KEY (node_group, node),
    CONSTRAINT node_group_member_node_group_fkey FOREIGN KEY (node_group)
        REFERENCES omni.node_group (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT node_group_member_node_fkey FOREIGN KEY (node)
        REFERENCES omni.node (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT node_group_member_rank_check CHECK (rank BETWEEN 0 AND 10000)
);
SELECT pg_catalog.pg_extension_config_dump('omni.node_group_member', '');
CREATE INDEX node_group_member_node_idx ON omni.node_group_member (node);

CREATE TABLE omni.node_policy (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    node_kind text,
    node text,
    shipment_cost bigint,
    unit_cost bigint,
    cutoff time,
    lead_days smallint,
    ready_minutes integer,
    daily_units integer,
    soft_daily_units integer,
    over_cost bigint,
    CONSTRAINT node_policy_pkey PRIMARY KEY (id),
    CONSTRAINT node_policy_node_kind_key UNIQUE (node_kind),
    CONSTRAINT node_policy_node_key UNIQUE (node),
    CONSTRAINT node_policy_node_fkey FOREIGN KEY (node)
        REFERENCES omni.node (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT node_policy_id_check CHECK (id BETWEEN 1 AND 9007199254740991),
    CONSTRAINT node_policy_whose_check CHECK (num_nonnulls(node_kind, node) = 1),
    CONSTRAINT node_policy_node_kind_check
        CHECK (node_kind IN ('store', 'warehouse', 'dropship', 'virtual')),
    CONSTRAINT node_policy_shipment_cost_check
        CHECK (shipment_cost BETWEEN 0 AND 1000000000000),
    CONSTRAINT node_policy_unit_cost_check
        CHECK (unit_cost BETWEEN 0 AND 1000000000000),
    CONSTRAINT node_policy_lead_days_check CHECK (lead_days BETWEEN 0 AND 365),
    CONSTRAINT node_policy_ready_minutes_check
        CHECK (ready_minutes BETWEEN 0 AND 100000),
    CONSTRAINT node_policy_daily_units_check CHECK (daily_units >= 0),
    CONSTRAINT node_policy_soft_daily_units_check
        CHECK (soft_daily_units >= 0),
    CONSTRAINT node_policy_over_cost_check
        CHECK (over_cost BETWEEN 0 AND 1000000000000)
);
SELECT pg_catalog.pg_extension_config_dump('omni.node_policy', '');
SELECT pg_catalog.pg_extension_config_dump('omni.node_policy_id_seq', '');

CREATE TABLE omni.opening_hours (
    node text NOT NULL,
    weekday smallint NOT NULL,
    opens time NOT NULL,
    closes time NOT NULL,
    CONSTRAINT opening_hours_pkey PRIMARY KEY (node, weekday, opens),
    CONSTRAINT opening_hours_node_fkey FOREIGN KEY (node)
        REFERENCES omni.node (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT opening_hours_weekday_check CHECK (weekday BETWEEN 1 AND 7),
    CONSTRAINT opening_hours_closes_check CHECK (closes > opens)
);
SELECT pg_catalog.pg_extension_config_dump('omni.opening_hours', '');

CREATE TABLE omni.special_day (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    day date NOT NULL,
    country text,
    node_group text,
    node text,
    opens time,
    closes time,
    cutoff time,
    name text,
    CONSTRAINT special_day_pkey PRIMARY KEY (id),
    CONSTRAINT special_day_whose_key
        UNIQUE NULLS NOT DISTINCT (day, country, node_group, node),
    CONSTRAINT special_day_node_group_fkey FOREIGN KEY (node_group)
        REFERENCES omni.node_group (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT special_day_node_fkey FOREIGN KEY (node)
        REFERENCES omni.node (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT special_day_id_check CHECK (id BETWEEN 1 AND 9007199254740991),
    CONSTRAINT special_day_day_check
        CHECK (day BETWEEN '2000-01-01' AND '2999-12-31'),
    CONSTRAINT special_day_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT special_day_whose_check
        CHECK (num_nonnulls(country, node_group, node) <= 1),
    CONSTRAINT special_day_hours_check
        CHECK ((opens IS NULL) = (closes IS NULL) AND closes > opens)
);
SELECT pg_catalog.pg_extension_config_dump('omni.special_day', '');
SELECT pg_catalog.pg_extension_config_dump('omni.special_day_id_seq', '');
CREATE INDEX special_day_node_group_idx ON omni.special_day (node_group);
CREATE INDEX special_day_node_idx ON omni.special_day (node);

CREATE TABLE omni.node_capacity (
    node text NOT NULL,
    day date NOT NULL,
    units integer,
    soft_units integer,
    over_cost bigint,
    CONSTRAINT node_capacity_pkey PRIMARY KEY (node, day),
    CONSTRAINT node_capacity_node_fkey FOREIGN KEY (node)
        REFERENCES omni.node (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT node_capacity_day_check
        CHECK (day BETWEEN '2000-01-01' AND '2999-12-31'),
    CONSTRAINT node_capacity_units_check CHECK (units >= 0),
    CONSTRAINT node_capacity_soft_units_check CHECK (soft_units >= 0),
    CONSTRAINT node_capacity_over_cost_check
        CHECK (over_cost BETWEEN 0 AND 1000000000000)
);
SELECT pg_catalog.pg_extension_config_dump('omni.node_capacity', '');

CREATE TABLE omni.shadow_price (
    item bigint NOT NULL,
    node bigint NOT NULL,
    shadow bigint NOT NULL DEFAULT 0,
    markdown bigint NOT NULL DEFAULT 0,
    CONSTRAINT shadow_price_pkey PRIMARY KEY (item, node),
    CONSTRAINT shadow_price_item_fkey FOREIGN KEY (item)
        REFERENCES omni.item (id) ON DELETE CASCADE,
    CONSTRAINT shadow_price_node_fkey FOREIGN KEY (node)
        REFERENCES omni.node (id) ON DELETE CASCADE,
    CONSTRAINT shadow_price_shadow_check
        CHECK (shadow BETWEEN 0 AND 1000000000000),
    CONSTRAINT shadow_price_markdown_check
        CHECK (markdown BETWEEN 0 AND 1000000000000)
);
SELECT pg_catalog.pg_extension_config_dump('omni.shadow_price', '');
CREATE INDEX shadow_price_node_idx ON omni.shadow_price (node);

-- ---- rules and policies ----

CREATE TABLE omni.routing_rule (
    position integer NOT NULL,
    name text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    channel text,
    country text,
    region text,
    postal_prefix text,
    item_category text,
    min_value omni.amount,
    max_value omni.amount,
    node text,
    node_kind text,
    node_group text,
    node_country text,
    node_region text,
    within_km integer,
    same_country boolean NOT NULL DEFAULT false,
    same_region boolean NOT NULL DEFAULT false,
    service text,
    action text NOT NULL,
    strict boolean NOT NULL DEFAULT true,
    surcharge bigint,
    CONSTRAINT routing_rule_pkey PRIMARY KEY (position),
    CONSTRAINT routing_rule_name_key UNIQUE (name),
    CONSTRAINT routing_rule_channel_fkey FOREIGN KEY (channel)
        REFERENCES omni.channel (code) ON UPDATE CASCADE,
    CONSTRAINT routing_rule_node_fkey FOREIGN KEY (node)
        REFERENCES omni.node (code) ON UPDATE CASCADE,
    CONSTRAINT routing_rule_node_group_fkey FOREIGN KEY (node_group)
        REFERENCES omni.node_group (code) ON UPDATE CASCADE,
    CONSTRAINT routing_rule_service_fkey FOREIGN KEY (service)
        REFERENCES omni.service (code) ON UPDATE CASCADE,
    CONSTRAINT routing_rule_name_check
        CHECK (octet_length(name) BETWEEN 1 AND 64 AND name = btrim(name)),
    CONSTRAINT routing_rule_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT routing_rule_region_check
        CHECK (octet_length(region) BETWEEN 1 AND 32),
    CONSTRAINT routing_rule_postal_prefix_check
        CHECK (postal_prefix ~ '^[0-9A-Z]{1,16}$'),
    CONSTRAINT routing_rule_item_category_check
        CHECK (octet_length(item_category) BETWEEN 1 AND 64),
    CONSTRAINT routing_rule_value_check CHECK (min_value IS NULL
        OR max_value IS NULL OR (omni.amount_currency(min_value)
            = omni.amount_currency(max_value)
            AND min_value OPERATOR(omni.<=) max_value)),
    CONSTRAINT routing_rule_node_kind_check
        CHECK (node_kind IN ('store', 'warehouse', 'dropship', 'virtual')),
    CONSTRAINT routing_rule_node_country_check
        CHECK (node_country ~ '^[A-Z]{2}$'),
    CONSTRAINT routing_rule_node_region_check
        CHECK (octet_length(node_region) BETWEEN 1 AND 32),
    CONSTRAINT routing_rule_within_km_check
        CHECK (within_km BETWEEN 1 AND 25000),
    CONSTRAINT routing_rule_nodes_check CHECK (num_nonnulls(node, node_kind,
        node_group, node_country, node_region, within_km, service) > 0
        OR same_country OR same_region),
    CONSTRAINT routing_rule_action_check
        CHECK (action IN ('only', 'exclude', 'prefer')),
    CONSTRAINT routing_rule_surcharge_check CHECK (
        CASE WHEN action = 'prefer' THEN surcharge IS NOT NULL
            AND surcharge BETWEEN 1 AND 1000000000
        ELSE surcharge IS NULL END)
);
SELECT pg_catalog.pg_extension_config_dump('omni.routing_rule', '');
CREATE INDEX routing_rule_channel_idx ON omni.routing_rule (channel);
CREATE INDEX routing_rule_node_idx ON omni.routing_rule (node);
CREATE INDEX routing_rule_node_group_idx ON omni.routing_rule (node_group);
CREATE INDEX routing_rule_service_idx ON omni.routing_rule (service);

CREATE TABLE omni.sourcing_policy (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    channel text,
    split_penalty bigint,
    ship_complete boolean,
    whole_lines boolean,
    max_shipments integer,
    min_split_value omni.amount,
    late_fixed bigint,
    late_per_day bigint,
    unfilled_cost bigint,
    unfilled_percent integer,
    unit_weight_g integer,
    CONSTRAINT sourcing_policy_pkey PRIMARY KEY (id),
    CONSTRAINT sourcing_policy_channel_key UNIQUE NULLS NOT DISTINCT (channel),
    CONSTRAINT sourcing_policy_channel_fkey FOREIGN KEY (channel)
        REFERENCES omni.channel (code) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT sourcing_policy_id_check
        CHECK (id BETWEEN 1 AND 9007199254740991),
    CONSTRAINT sourcing_policy_split_penalty_check
        CHECK (split_penalty BETWEEN 0 AND 1000000000000),
    CONSTRAINT sourcing_policy_max_shipments_check CHECK (max_shipments >= 1),
    CONSTRAINT sourcing_policy_late_fixed_check
        CHECK (late_fixed BETWEEN 0 AND 1000000000000),
    CONSTRAINT sourcing_policy_late_per_day_check
        CHECK (late_per_day BETWEEN 0 AND 1000000000000),
    CONSTRAINT sourcing_policy_unfilled_cost_check
        CHECK (unfilled_cost BETWEEN 0 AND 1000000000000),
    CONSTRAINT sourcing_policy_unfilled_percent_check
        CHECK (unfilled_percent BETWEEN 0 AND 10000),
    CONSTRAINT sourcing_policy_unit_weight_g_check
        CHECK (unit_weight_g BETWEEN 0 AND 100000000)
);
SELECT pg_catalog.pg_extension_config_dump('omni.sourcing_policy', '');
SELECT pg_catalog.pg_extension_config_dump('omni.sourcing_policy_id_seq', '');
