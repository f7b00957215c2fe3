// SPDX-License-Identifier: BSD-2-Clause
// The rows of Parquet files as hyparquet reads them, an object of JSON a line; times are ns. With --metadata: what
// a file says of itself and of its columns.
// usage: node rows.mjs FILE... | FILE --metadata
import { writeSync } from 'node:fs';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

const pairs = (list) => Object.fromEntries((list ?? []).map(({ key, value }) => [key, value]));
// An integer of 64 bits is marked on its way through JSON.stringify().
const print = (value) =>
  JSON.stringify(value, (_, it) => (typeof it === 'bigint' ? `\u0000${it}` : it)).replace(/"\\u0000(-?\d+)"/g, '$1');

const parsers = { timestampFromNanoseconds: (ns) => ns, timestampFromMicroseconds: (us) => us * 1000n };

async function printRows(file, metadata) {
  let rowStart = 0;
  for (const { num_rows: n } of metadata.row_groups) {
    const rowEnd = rowStart + Number(n);
    const rows = await parquetReadObjects({ file, metadata, compressors, parsers, rowStart, rowEnd });
    for (const row of rows) writeSync(1, `${print(row)}\n`);
    rowStart = rowEnd;
  }
}

function printMetadata(metadata) {
  const columns = (metadata.row_groups[0]?.columns ?? []).map(({ meta_data: column }) =>
    [column.path_in_schema[0], { codec: column.codec, ...pairs(column.key_value_metadata) }]);
  console.log(print({ file: pairs(metadata.key_value_metadata), columns: Object.fromEntries(columns) }));
}

for (const name of process.argv.slice(2).filter((argument) => argument !== '--metadata')) {
  const file = await asyncBufferFromFile(name);
  const metadata = await parquetMetadataAsync(file);
  if (process.argv[3] === '--metadata') printMetadata(metadata);
  else await printRows(file, metadata);
}
