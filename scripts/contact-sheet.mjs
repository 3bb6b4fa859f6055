// Twenty closeups of a running service side by side as one picture, to be looked at by a person:
//   node scripts/contact-sheet.mjs http://127.0.0.1:8080 sheet.png [--closeups 20] [--related 8] [--query treatment=as-retrieved]
// Each row: the query pin (framed), then what is shown for it, best first, with the strongest source of each. Pins are taken at even steps.
// With --uploads FILE the rows are photos that the service does not know, searched by as a whole and, where a line has a box, by that:
// lines of {image, word, box?}, image relative to FILE, box in shares of the sides. Prints how many of what is shown carry the word in
// their annotations: right among --related.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    closeups: { type: 'string', default: '20' },
    related: { type: 'string', default: '8' },
    query: { type: 'string', default: '' },
    uploads: { type: 'string' },
  },
});
const [base = 'http://127.0.0.1:8080', out = 'contact-sheet.png'] = positionals;
const [rows, columns] = [Number(values.closeups), Number(values.related)];
const [SIDE, CAPTION, GAP] = [132, 15, 5];
const get = async (path) => (await fetch(base + path)).json();

const parts = [];
const height = values.uploads ? await addUploads(values.uploads) : await addCloseups();
const width = (columns + 1) * (SIDE + GAP) + 2 * GAP;
await sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
  .composite(parts)
  .png()
  .toFile(out);
console.error(`${height / (SIDE + CAPTION + GAP)} rows in ${out}`);

async function addCloseups() {
  const all = await everyPin();
  for (let row = 0; row < rows; row++) await addRow(row, all[Math.floor(((row + 0.5) * all.length) / rows)]);
  return rows * (SIDE + CAPTION + GAP);
}

async function addUploads(file) {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const right = { whole: 0, box: 0 };
  const shown = { whole: 0, box: 0 };
  let row = 0;
  for (const { image, word, box } of lines.map((line) => JSON.parse(line))) {
    const bytes = readFileSync(join(dirname(file), image));
    for (const [kind, region] of Object.entries({ whole: null, ...(box && { box }) })) {
      const items = await found(bytes, region);
      const top = GAP + row++ * (SIDE + CAPTION + GAP);
      await addPicture(await cutOut(bytes, region), `${word}, ${kind}`, GAP, top, '#c8102e');
      for (const [i, { pinId }] of items.entries()) {
        const { annotations } = await get(`/v1/pins/${encodeURIComponent(pinId)}`);
        const isRight = annotations[word] !== undefined;
        right[kind] += Number(isRight);
        shown[kind]++;
        await addCell(pinId, Object.keys(annotations).join(' '), 2 * GAP + (i + 1) * (SIDE + GAP), top, isRight ? '#2e7d32' : '#dddddd');
      }
    }
  }
  for (const kind of ['whole', 'box']) console.log(`right by ${kind}: ${right[kind]} of ${shown[kind]}`);
  return row * (SIDE + CAPTION + GAP);
}

async function found(bytes, box) {
  const form = new FormData();
  form.set('image', new Blob([bytes], { type: 'image/jpeg' }), 'photo.jpg');
  form.set('limit', String(columns));
  if (box) form.set('box', JSON.stringify(box));
  form.set('boxUnit', 'fractions');
  return (await (await fetch(`${base}/v1/visual-search`, { method: 'POST', body: form })).json()).items;
}

/** The photo, or the part of it that is asked about. */
async function cutOut(bytes, box) {
  if (!box) return sharp(bytes);
  const { width, height } = await sharp(bytes).metadata();
  const [left, top, right, bottom] = box.map((share, i) => Math.round(share * (i % 2 ? height : width)));
  return sharp(bytes).extract({ left, top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) });
}

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

async function addRow(row, id) {
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
  await addPicture(picture, text, left, top, frame);
}

async function addPicture(picture, text, left, top, frame) {
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
