// Twenty closeups of a running service side by side as one picture, to be looked at by a person:
//   node scripts/contact-sheet.mjs http://127.0.0.1:8080 sheet.png [--closeups 20] [--related 8] [--query treatment=as-retrieved]
// Each row: the query pin (framed), then what is shown for it, best first, with the strongest source of each. Pins are taken at even steps.
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    closeups: { type: 'string', default: '20' },
    related: { type: 'string', default: '8' },
    query: { type: 'string', default: '' },
  },
});
const [base = 'http://127.0.0.1:8080', out = 'contact-sheet.png'] = positionals;
const [rows, columns] = [Number(values.closeups), Number(values.related)];
const [SIDE, CAPTION, GAP] = [132, 15, 5];
const get = async (path) => (await fetch(base + path)).json();

const all = await everyPin();
const queries = Array.from({ length: rows }, (_, row) => all[Math.floor(((row + 0.5) * all.length) / rows)]);
const width = (columns + 1) * (SIDE + GAP) + 2 * GAP;
const height = rows * (SIDE + CAPTION + GAP) + GAP;
const parts = [];
for (let row = 0; row < rows; row++) await addRow(row);
await sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
  .composite(parts)
  .png()
  .toFile(out);
console.error(`${rows} closeups in ${out}`);

async function everyPin() {
  const ids = [];
  for (let cursor = ''; ids.length < 20_000;) {
    const page = await get(`/v1/pins?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    ids.push(...page.pins.map(({ id }) => id));
    if (!page.nextCursor) break;
    cursor = page.nextCursor;
  }
  return ids;
}

async function addRow(row) {
  const id = queries[row];
  const top = GAP + row * (SIDE + CAPTION + GAP);
  const { items } = await get(`/v1/pins/${encodeURIComponent(id)}/related?limit=${columns}&${values.query}`);
  const { title } = await get(`/v1/pins/${encodeURIComponent(id)}`);
  await addCell(id, title ?? id, GAP, top, '#c8102e');
  for (const [i, { pinId, sources }] of items.entries()) {
    await addCell(pinId, sources.map(({ name }) => name.split('-')[0]).join(' + '), 2 * GAP + (i + 1) * (SIDE + GAP), top, '#dddddd');
  }
}

async function addCell(id, text, left, top, frame) {
  const reply = await fetch(`${base}/v1/pins/${encodeURIComponent(id)}/image?width=160`);
  const picture = reply.ok
    ? sharp(Buffer.from(await reply.arrayBuffer()))
    : sharp({ create: { width: 8, height: 8, channels: 3, background: '#eeeeee' } });
  const input = await picture
    .resize(SIDE - 4, SIDE - 4, { fit: 'contain', background: '#ffffff' })
    .extend({ top: 2, bottom: 2, left: 2, right: 2, background: frame })
    .png()
    .toBuffer();
  parts.push({ input, left, top }, { input: caption(text), left, top: top + SIDE });
}

function caption(text) {
  const safe = text.slice(0, 24).replace(/[<>&"]/g, ' ');
  return Buffer.from(
    `<svg width="${SIDE}" height="${CAPTION}"><text x="2" y="11" font-size="10" font-family="sans-serif" fill="#333">${safe}</text></svg>`,
  );
}
