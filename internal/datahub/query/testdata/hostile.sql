-- Hostile questions of a reader who was granted "jd" and "nl" of "population" for the rows of 关山街道 and nothing of
-- "secrets". Before each stands the key of its refusal; "ok" means that it is answered, and that the answer shows
-- neither a row, a column nor a value he may not see.

-- 1. Files, network, generators
--! warehouse.sql_table_function
SELECT * FROM read_csv('/etc/passwd')
--! warehouse.sql_table_function
SELECT * FROM read_csv_auto('/etc/passwd', sep = ':')
--! warehouse.sql_table_function
SELECT * FROM read_parquet('/srv/qushu/warehouse/temp/*.parquet')
--! warehouse.sql_table_function
SELECT * FROM read_json_auto('https://example.com/x.json')
--! warehouse.sql_table_function
SELECT content FROM read_text('/etc/shadow')
--! warehouse.sql_table_function
SELECT * FROM read_blob('/proc/self/environ')
--! warehouse.sql_table_function
SELECT file FROM glob('/**')
--! warehouse.sql_table_function
SELECT * FROM sniff_csv('/etc/passwd')
--! warehouse.sql_file
SELECT * FROM '/etc/passwd'
--! warehouse.sql_file
SELECT * FROM 'data.parquet'
--! warehouse.sql_file
SELECT * FROM "s3://bucket/key.csv"
--! warehouse.sql_file
SELECT * FROM "..\warehouse.duckdb"
--! warehouse.sql_file
SELECT * FROM 'population*'
--! warehouse.sql_table_function
SELECT * FROM range(100000000000)
--! warehouse.sql_table_function
SELECT * FROM generate_series(1, 1000000000000)
--! warehouse.sql_table_function
SELECT * FROM repeat(1, 1000000000)
--! warehouse.sql_table_function
SELECT jd FROM population, unnest([1, 2, 3])
--! warehouse.sql_table_function
SELECT * FROM query('SELECT * FROM version')
--! warehouse.sql_table_function
SELECT * FROM query_table('version')
--! warehouse.sql_table_function
SELECT * FROM json_execute_serialized_sql('{}')

-- 2. Statements that are no SELECT
--! warehouse.sql_one
COPY (SELECT * FROM population) TO '/tmp/x.csv'
--! warehouse.sql_one
COPY population FROM '/tmp/x.csv'
--! warehouse.sql_one
ATTACH '/tmp/other.duckdb' AS other
--! warehouse.sql_one
DETACH main
--! warehouse.sql_one
PRAGMA database_list
--! warehouse.sql_one
SET enable_external_access = true
--! warehouse.sql_one
RESET lock_configuration
--! warehouse.sql_one
INSTALL httpfs
--! warehouse.sql_one
LOAD '/tmp/evil.duckdb_extension'
--! warehouse.sql_one
CREATE TABLE x AS SELECT * FROM population
--! warehouse.sql_one
CREATE MACRO f(x) AS TABLE SELECT * FROM read_csv(x)
--! warehouse.sql_one
CREATE TEMP VIEW population AS SELECT 1
--! warehouse.sql_one
DROP TABLE version
--! warehouse.sql_one
DELETE FROM population
--! warehouse.sql_one
UPDATE population SET nl = 1
--! warehouse.sql_one
INSERT INTO population VALUES (1)
--! warehouse.sql_one
EXPORT DATABASE '/tmp/x'
--! warehouse.sql_one
CALL pragma_version()
--! warehouse.sql_one
CHECKPOINT
--! warehouse.sql_one
VACUUM
--! warehouse.sql_one
BEGIN TRANSACTION
--! warehouse.sql_one
PREPARE p AS SELECT 1
--! warehouse.sql_one
EXPLAIN ANALYZE SELECT * FROM population
--! warehouse.sql_one
SELECT 1; SELECT * FROM population
--! warehouse.sql_one
SELECT 1; DROP TABLE version
--! warehouse.sql_one
DESCRIBE population
--! warehouse.sql_one
SUMMARIZE population
--! warehouse.sql_one
SHOW ALL TABLES
--! warehouse.sql_one
SELECT * FROM (DESCRIBE population)
--! warehouse.sql_one
SELECT * FROM (SHOW TABLES)

-- 3. The engine's own tables and functions
--! warehouse.sql_schema
SELECT * FROM information_schema.tables
--! warehouse.sql_schema
SELECT * FROM information_schema.columns WHERE table_name LIKE 't_%'
--! warehouse.sql_schema
SELECT * FROM pg_catalog.pg_tables
--! warehouse.sql_schema
SELECT * FROM main.version
--! warehouse.sql_schema
SELECT * FROM "warehouse"."main"."version"
--! warehouse.sql_schema
SELECT * FROM temp.main.f0
--! warehouse.sql_table_function
SELECT * FROM duckdb_tables()
--! warehouse.sql_table_function
SELECT * FROM duckdb_columns()
--! warehouse.sql_table_function
SELECT * FROM duckdb_settings()
--! warehouse.sql_table_function
SELECT * FROM duckdb_secrets()
--! warehouse.sql_table_function
SELECT * FROM duckdb_temporary_files()
--! warehouse.sql_table_function
SELECT * FROM pragma_table_info('version')
--! dataset.sql_missing
SELECT * FROM version
--! dataset.sql_missing
SELECT * FROM format
--! dataset.sql_missing
SELECT * FROM sqlite_master
--! dataset.sql_missing
SELECT * FROM duckdb_tables
--! dataset.sql_missing
SELECT * FROM pg_class
--! warehouse.sql_function
SELECT getenv('QUSHU_KEY')
--! warehouse.sql_function
SELECT current_setting('memory_limit')
--! warehouse.sql_function
SELECT version()
--! warehouse.sql_function
SELECT current_database()
--! warehouse.sql_function
SELECT current_query()
--! warehouse.sql_function
SELECT nextval('s')
--! warehouse.sql_function
SELECT txid_current()
--! warehouse.sql_function
SELECT getvariable('x')
--! warehouse.sql_function
SELECT json_serialize_sql('SELECT 1')
--! warehouse.sql_function
SELECT random()
--! warehouse.sql_schema
SELECT system.main.getenv('HOME')

-- 4. Datasets that were not granted, under every disguise
--! dataset.sql_missing
SELECT * FROM secrets
--! dataset.sql_missing
SELECT p.jd FROM population p JOIN secrets s ON s.jd = p.jd
--! dataset.sql_missing
SELECT * FROM "secrets"
--! dataset.sql_missing
SELECT * FROM "SECRETS"
--! dataset.sql_missing
SELECT * /* population */ FROM /**/ secrets -- population
--! dataset.sql_missing
SELECT jd FROM population WHERE jd IN (SELECT jd FROM secrets)
--! dataset.sql_missing
SELECT jd, (SELECT max(nr) FROM secrets) FROM population
--! dataset.sql_missing
SELECT jd FROM population ORDER BY (SELECT count(*) FROM secrets)
--! dataset.sql_missing
SELECT jd FROM population UNION ALL SELECT jd FROM secrets
--! dataset.sql_missing
WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets
--! dataset.sql_missing
SELECT * FROM (WITH secrets AS (SELECT 1) SELECT * FROM secrets) a, secrets b
--! dataset.sql_missing
WITH a AS (SELECT * FROM b), b AS (SELECT * FROM secrets) SELECT * FROM a
--! dataset.sql_missing
SELECT jd FROM population LIMIT (SELECT count(*) FROM secrets)
--! dataset.sql_missing
SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM secrets)) FROM population
--! dataset.sql_missing
SELECT row_number() OVER (ORDER BY (SELECT min(nr) FROM secrets)) FROM population
--! dataset.sql_missing
SELECT jd FROM population GROUP BY jd HAVING jd > (SELECT min(jd) FROM secrets)
--! dataset.sql_missing
SELECT * FROM population p, LATERAL (SELECT * FROM secrets s WHERE s.jd = p.jd) x
--! dataset.sql_missing
SELECT * FROM ｓｅｃｒｅｔｓ
--! dataset.sql_missing
SELECT * FROM "secrets "
--! warehouse.sql_near
SELECT * FROM secrets UNION SELECT 1 --
)

-- 5. Columns that were not granted
--! dataset.column_denied
SELECT xm FROM population
--! dataset.column_denied
SELECT population.sfzh FROM population
--! dataset.column_denied
SELECT jd FROM population WHERE xm LIKE '王%'
--! dataset.column_denied
SELECT jd FROM population ORDER BY xm
--! dataset.column_denied
SELECT jd FROM population GROUP BY jd HAVING max(xm) > 'a'
--! dataset.column_denied
SELECT jd, row_number() OVER (PARTITION BY xm) FROM population
--! dataset.column_denied
SELECT jd FROM population QUALIFY rank() OVER (ORDER BY sfzh) = 1
--! dataset.column_denied
SELECT count(DISTINCT sfzh) FROM population
--! dataset.column_denied
SELECT a.jd FROM population a JOIN population b ON a.sfzh = b.sfzh
--! dataset.column_denied
SELECT jd FROM population WHERE EXISTS (SELECT 1 FROM population q WHERE q.xm = '王1')
--! dataset.column_denied
SELECT CASE WHEN xm = '王1' THEN 1 ELSE 0 END FROM population
--! dataset.column_denied
SELECT "XM" FROM population
--! warehouse.no_column
SELECT c1 FROM population
--! warehouse.no_column
SELECT _k FROM population
--! warehouse.no_column
SELECT rowid FROM population
--! warehouse.sql_unknown
SELECT #2 FROM population
--! warehouse.sql_star
SELECT COLUMNS('.*') FROM population
--! warehouse.sql_star
SELECT COLUMNS(c -> c LIKE 'x%') FROM population
--! warehouse.sql_unknown
SELECT *COLUMNS(*) FROM population
--! warehouse.sql_unknown
SELECT * REPLACE (jd AS nl) FROM population
--! warehouse.sql_unknown
SELECT * RENAME (jd AS xm) FROM population
--! warehouse.sql_answer_type
SELECT population FROM population
--! warehouse.sql_function
SELECT struct_extract(population, 'xm') FROM population
--! warehouse.sql_schema
SELECT main.population.xm FROM population
--! warehouse.sql_function
SELECT unnest(population) FROM population
--! warehouse.sql_function
SELECT to_json(population) FROM population
--! warehouse.sql_function
SELECT row(population.*) FROM population
--! ok
SELECT * FROM population LIMIT 3
--! ok
SELECT xm.* FROM population AS xm LIMIT 3
--! warehouse.sql_answer_type
SELECT xm FROM population AS xm LIMIT 3
--! ok
SELECT nl AS xm, jd AS sfzh FROM population ORDER BY xm LIMIT 3
--! ok
SELECT * FROM population AS p(a, b) LIMIT 3
--! ok
SELECT * FROM population NATURAL JOIN population AS q LIMIT 3

-- 6. Rows that were not granted: filters pushed about, errors and times that tell
--! ok
SELECT DISTINCT jd FROM population WHERE jd = '珞南街道' OR TRUE
--! ok
SELECT jd FROM population WHERE NOT (jd = '关山街道')
--! ok
SELECT q.jd FROM population p FULL JOIN population q ON p.nl = q.nl AND FALSE
--! ok
SELECT count(*), max(jd), min(jd) FROM population
--! ok
SELECT CAST(CASE WHEN jd = '关山街道' THEN '1' ELSE jd END AS INTEGER) FROM population LIMIT 1
--! warehouse.sql_convert
SELECT CAST(jd AS INTEGER) FROM population
--! ok
SELECT 1 / (CASE WHEN jd = '洪山街道' THEN 0 ELSE 1 END) FROM population LIMIT 1
--! ok
SELECT jd FROM population WHERE CASE WHEN jd = '珞南街道' THEN CAST(jd AS INTEGER) ELSE 1 END = 1 LIMIT 1
--! warehouse.sql_function
SELECT error(jd) FROM population
--! warehouse.sql_unknown
SELECT TRY(CAST(jd AS INTEGER)) FROM population
--! warehouse.sql_unknown
SELECT jd FROM population USING SAMPLE 10%
--! warehouse.sql_unknown
SELECT jd FROM population TABLESAMPLE reservoir(100)
--! ok
SELECT jd FROM population AT (VERSION => 1)

-- 7. Bombs
--! warehouse.sql_recursive
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r
--! warehouse.sql_recursive
WITH RECURSIVE r(n) USING KEY (n) AS (SELECT 1 UNION SELECT n + 1 FROM r) SELECT * FROM r
--! warehouse.sql_function
SELECT repeat('x', 1000000000)
--! warehouse.sql_constant
SELECT lpad(jd, 1000000000, 'x') FROM population
--! warehouse.sql_constant
SELECT replace(jd, '街', jd) FROM population
--! warehouse.sql_growth
WITH a AS (SELECT jd||jd AS x FROM population), b AS (SELECT x||x AS x FROM a), c AS (SELECT x||x AS x FROM b), d AS (SELECT x||x AS x FROM c), e AS (SELECT x||x AS x FROM d), f AS (SELECT x||x AS x FROM e), g AS (SELECT x||x AS x FROM f), h AS (SELECT x||x AS x FROM g), i AS (SELECT x||x AS x FROM h) SELECT x FROM i
--! warehouse.sql_growth
SELECT replace(replace(jd, '街', 'xxxxxxxxxxxxxxxxxxxxxxxx'), 'x', 'yyyyyyyyyyyyyyyyyyyyyyyy') FROM population
--! warehouse.sql_function
SELECT string_agg(jd, ',') FROM population
--! warehouse.sql_function
SELECT list(jd) FROM population
--! warehouse.sql_heavy
SELECT median(nl), quantile_cont(nl, 0.9) FROM population
--! warehouse.sql_constant
SELECT regexp_matches(jd, jd) FROM population
--! warehouse.sql_sets
SELECT count(*) FROM population GROUP BY CUBE (jd, nl, jd || 'a', nl + 1, nl + 2, nl + 3)
--! warehouse.sql_sources
SELECT count(*) FROM population a, population b, population c, population d, population e, population f, population g, population h, population i, population j, population k, population l, population m, population n, population o, population p, population q
--! warehouse.sql_time
SELECT count(*) FROM population a, population b, population c, population d, population e, population f WHERE a.nl + b.nl + c.nl + d.nl + e.nl + f.nl = 7
--! warehouse.sql_function
SELECT list_transform([1, 2], x -> x + 1)
--! warehouse.sql_function
SELECT [1, 2, 3]
--! warehouse.sql_unknown
SELECT jd[1:2] FROM population
--! warehouse.sql_type
SELECT CAST(jd AS BLOB) FROM population
--! warehouse.sql_type
SELECT CAST('x' AS mytype)
--! warehouse.sql_type
SELECT CAST('[]' AS JSON)
--! warehouse.sql_unknown
SELECT jd COLLATE NOCASE FROM population
--! warehouse.sql_join
SELECT * FROM population a POSITIONAL JOIN population b
--! warehouse.sql_join
SELECT * FROM population a ASOF JOIN population b ON a.nl >= b.nl
--! warehouse.sql_one
PIVOT population ON jd USING count(*)
--! warehouse.sql_unknown
SELECT * FROM (UNPIVOT population ON nl INTO NAME a VALUE b)
--! warehouse.sql_param
SELECT ?
--! warehouse.sql_param_missing
SELECT $password
--! warehouse.sql_empty
   
--! warehouse.sql_empty
-- only a comment
--! warehouse.sql_near
SELECT 'unfinished

-- older versions
--! warehouse.sql_at
SELECT * FROM population AT (VERSION => 1 + 1)
--! warehouse.sql_at
SELECT * FROM population AT (VERSION => -1)
--! warehouse.sql_at
SELECT * FROM population AT (VERSION => (SELECT max(nl) FROM population))
--! warehouse.sql_at
SELECT * FROM population AT (TIMESTAMP => now())
--! warehouse.sql_at
WITH w AS (SELECT 1 AS n) SELECT * FROM w AT (VERSION => 1)
--! dataset.version_gone
SELECT * FROM population AT (VERSION => 7)
--! dataset.sql_missing
SELECT * FROM secrets AT (VERSION => 1)
--! dataset.column_denied
SELECT je FROM population AT (VERSION => 1)
