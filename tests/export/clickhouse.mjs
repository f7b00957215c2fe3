// SPDX-License-Identifier: BSD-2-Clause
// What ClickHouse finds in Parquet files, by its type: for each column how many values there are, and their sum. It
// has no null of a list. expected.py prints the same from `obit dump`.
// usage: node clickhouse.mjs FILE-OR-PATTERN | --sql SQL
import { query } from 'chdb';

const ask = (sql) => query(sql, 'JSONEachRow').split('\n').filter(Boolean).map(JSON.parse);

const sums = {
  Int64: ['BIGINT', 'sum(toInt256(c))'],
  Bool: ['BOOLEAN', 'sum(toInt64(c))'],
  "DateTime64(6, 'UTC')": ['TIMESTAMP WITH TIME ZONE', 'sum(toInt256(toUnixTimestamp64Micro(c)))'],
  String: ['VARCHAR', 'coalesce(sum(length(c)), 0)'],
  'Array(String)': ['VARCHAR[]', 'sum(arraySum(x -> length(x), c))'],
};

const [what, sql] = process.argv.slice(2);
if (what === '--sql') {
  console.log(JSON.stringify(ask(sql)));
} else {
  const file = `file('${what.replaceAll("'", "\\'")}', Parquet)`;
  const found = {};
  for (const { name, type: given } of ask(`describe table ${file}`)) {
    if (what.includes('*') && ['host', 'date'].includes(name)) continue; // of the directories, not of the files
    const type = given.replace(/Nullable\(((?:[^()]|\([^()]*\))*)\)/g, '$1');
    if (!sums[type]) throw new Error(`${name}: unexpected type ${given}`);
    const [theirs, sum] = sums[type];
    const present = theirs === 'VARCHAR[]' ? '' : ', toString(count(c)) as present';
    const [row] = ask(`select toString(count()) as rows, toString(${sum}) as sum ${present}
      from (select \`${name}\` as c from ${file})`);
    found[name] = { type: theirs, ...row };
  }
  console.log(JSON.stringify(found));
}
