// SPDX-License-Identifier: BSD-2-Clause
// The rows of a Parquet file as hyparquet reads them, an object of JSON a line; times are ns. With --metadata: what
// the file says of itself and of its columns.
// usage: node rows.mjs FILE [--metadata]
import { writeSync } from 'node:fs';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

const file = await asyncBufferFromFile(process.argv[2]);
const metadata = await parquetMetadataAsync(file);
const pairs = (list) => Object.fromEntries((list ?? []).map(({ key, value }) => [key, value]));
// An integer of 64 bits is marked on its way through JSON.stringify().
const print = (value) =>
  JSON.stringify(value, (_, it) => (typeof it === 'bigint' ? `\u0000${it}` : it)).replace(/"\\u0000(-?\d+)"/g, '$1');

if (process.argv[3] === '--metadata') {
  const columns = (metadata.row_groups[0]?.columns ?? []).map(({ meta_data: column }) =>
    [column.path_in_schema[0], { codec: column.codec, ...pairs(column.key_value_metadata) }]);
  console.log(print({ file: pairs(metadata.key_value_metadata), columns: Object.fromEntries(columns) }));
} else {
  const parsers = { timestampFromNanoseconds: (ns) => ns, timestampFromMicroseconds: (us) => us * 1000n };
  let rowStart = 0;
  for (const { num_rows: n } of metadata.row_groups) {
    const rowEnd = rowStart + Number(n);
    const rows = await parquetReadObjects({ file, metadata, compressors, parsers, rowStart, rowEnd });
    for (const row of rows) writeSync(1, `${print(row)}\n`);
    rowStart = rowEnd;
  }
}
