// Writes a .br and a .gz beside every text file of dist/, so that the server compresses nothing while it runs.
import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXT = /\.(js|css|html|svg|json)$/;

function* files(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* files(full);
    else if (TEXT.test(entry.name)) yield full;
  }
}

const total = { files: 0, raw: 0, br: 0, gz: 0 };
for (const file of files('dist')) {
  const raw = fs.readFileSync(file);
  const br = brotliCompressSync(raw, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length },
  });
  const gz = gzipSync(raw, { level: 9 });
  fs.writeFileSync(`${file}.br`, br);
  fs.writeFileSync(`${file}.gz`, gz);
  total.files += 1;
  total.raw += raw.length;
  total.br += br.length;
  total.gz += gz.length;
}
const kb = (bytes) => `${(bytes / 1024).toFixed(0)} KB`;
console.log(`${total.files} text files: ${kb(total.raw)}, gzip ${kb(total.gz)}, brotli ${kb(total.br)}`);
