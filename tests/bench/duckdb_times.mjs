// SPDX-License-Identifier: BSD-2-Clause
// How long DuckDB takes for questions, without its start: milliseconds of each run.
// usage: node duckdb_times.mjs THREADS ROUNDS SQL...      prints a JSON list for each
import { DuckDBInstance } from '@duckdb/node-api';

const [threads, rounds, ...questions] = process.argv.slice(2);
const connection = await (await DuckDBInstance.create(':memory:')).connect();

if (+threads) await connection.run(`set threads = ${threads}`);
for (const sql of questions) {
  const times = [];
  for (let round = 0; round < +rounds; round++) {
    const before = process.hrtime.bigint();
    await (await connection.runAndReadAll(sql)).getRows();
    times.push(Number(process.hrtime.bigint() - before) / 1e6);
  }
  console.log(JSON.stringify(times));
}
