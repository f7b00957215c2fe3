// SPDX-License-Identifier: BSD-2-Clause
// What DuckDB finds in Parquet files: for each column its type, values over all rows, and what the row groups'
// statistics say. expected.py prints the same from `obit dump`.
// usage: node duckdb.mjs FILE-OR-PATTERN | --sql SQL
import { DuckDBInstance } from '@duckdb/node-api';

const connection = await (await DuckDBInstance.create(':memory:')).connect();

async function ask(sql) {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}

// Of a column `c`, by its type; `value` is what a statistic `s`, which DuckDB gives as text, stands for.
const numbers = { sum: 'sum(c)', min: 'min(c)', max: 'max(c)' };
const questions = {
  BIGINT: { ...numbers, value: 's::BIGINT' },
  BOOLEAN: { sum: 'sum(c::INT)', min: 'min(c::INT)', max: 'max(c::INT)', value: 's::BOOLEAN::INT' },
  'TIMESTAMP WITH TIME ZONE': {
    sum: 'sum(epoch_us(c))', min: 'min(epoch_us(c))', max: 'max(epoch_us(c))', value: 'epoch_us(s::TIMESTAMPTZ)',
  },
  VARCHAR: { sum: 'coalesce(sum(strlen(c)), 0)', min: 'min(c)', max: 'max(c)', value: 's' },
  'VARCHAR[]': {
    sum: 'coalesce(sum(list_sum(list_transform(c, x -> strlen(x)))), 0)', items: 'coalesce(sum(len(c)), 0)',
    empty: 'count_if(len(c) = 0)', min: "min(array_to_string(c, '|'))", max: "max(array_to_string(c, '|'))",
  },
};

async function look(pattern) {
  const name = `'${pattern.replaceAll("'", "''")}'`;
  const file = `read_parquet(${name}, hive_partitioning = false)`;
  const found = {};
  for (const { column_name: column, column_type: type } of await ask(`describe select * from ${file}`)) {
    if (!questions[type]) throw new Error(`${column}: unexpected type ${type}`);
    const { value, ...values } = questions[type];
    const asked = Object.entries({ rows: 'count(*)', present: 'count(c)', distinct: 'count(distinct c)', ...values })
      .map(([key, sql]) => `(${sql})::VARCHAR as "${key}"`);
    const [row] = await ask(`select ${asked} from (select "${column}" as c from ${file})`);
    found[column] = { type, ...row };
    if (!value) continue;
    const [said] = await ask(`with said as (
        select stats_null_count as nulls, stats_min_value as min, stats_max_value as max
        from parquet_metadata(${name}) where path_in_schema = '${column}')
      select sum(nulls)::VARCHAR as nulls,
      (select min(${value})::VARCHAR from (select min as s from said)) as min,
      (select max(${value})::VARCHAR from (select max as s from said)) as max
      from said`);
    found[column].statistics = said;
  }
  return found;
}

const [what, sql] = process.argv.slice(2);
console.log(JSON.stringify(what === '--sql' ? await ask(sql) : await look(what), null, 1));
