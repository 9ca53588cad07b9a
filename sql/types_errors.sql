-- What people see when a text is no amount, GTIN or EPC, and when amounts do
-- not go together.
SET search_path = omni;
\set VERBOSITY default
SELECT 'USD 12.345'::amount;
SELECT 'JPY 12.0'::amount;
SELECT 'usd 12.34'::amount;
SELECT 'QQQ 1'::amount;
SELECT 'XAU 1'::amount;
SELECT 'USD/7 1'::amount;
SELECT 'USD 92233720368547758.08'::amount;
SELECT 'USD 1'::amount + 'EUR 1'::amount;
SELECT 'USD 92233720368547758.07'::amount + 'USD 0.01'::amount;
SELECT sum(a) FROM (VALUES ('USD 1'::amount), ('EUR 1')) AS v(a);
SELECT 'USD 1'::amount * 'NaN'::numeric;
SELECT amount(12.345, 'USD');
SELECT amount(1, 'dollar');
SELECT round_amount(1, 'XAU');
SELECT allocate('USD 1', '{}');
SELECT allocate('USD 1', '{0}');
SELECT allocate('USD 1', '{1,-1}');
SELECT allocate('USD 1', '{1,NULL}');
SELECT '4006381333932'::gtin;
SELECT '40063813339'::gtin;
SELECT '400638-133393'::gtin;
SELECT gs1_check_digit('12a');
SELECT '3034257BF7194E4000001A8'::epc;
SELECT '303C83F1B7DD441678901234'::epc;
SELECT 'urn:epc:id:sgtin:0614141.812345.6789'::epc;
SELECT epc_from_identity('urn:epc:id:sgtin:0614141.812345.ABC', 1);
SELECT make_sgtin_96('4006381333931', 1, 5, 1);
