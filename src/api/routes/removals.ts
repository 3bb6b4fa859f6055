/** Takedowns: pins, boards and saves leave every list before the receipt is sent, and may come back within a day. */
import { Type } from 'typebox';
import { keysDigest, keysText } from '../../access-keys.ts';
import { whenWritable } from '../../catalog/artifacts/patient-write.ts';
import type { SaveKey } from '../../catalog/pins/removal-store.ts';
import { ServiceError } from '../../errors.ts';
import type { Context } from '../../service/context.ts';
import { Id, PinParams, Receipt, replies } from '../schemas.ts';
import type { App, Service } from './routes.ts';

const SaveBody = Type.Object(
  { pinId: Id, boardId: Id, userId: Type.Optional(Type.String({ ...Id, description: 'Absent: the saves of everybody.' })) },
  { additionalProperties: false },
);
type SaveRequest = Readonly<{ pinId: string; boardId: string; userId?: string }>;

/** Changes of the catalogue that one reply covers: some milliseconds where all of them are of pins. */
const CHANGES_AT_ONCE = 5000;
const Fates = Type.Object({
  through: Type.Integer({ description: 'The change up to which this is all: ask for what came after it next.' }),
  more: Type.Boolean({ description: 'Whether the catalogue has changes after that one.' }),
  pins: Type.Array(Type.Object({ pinId: Type.String(), removed: Type.Boolean({ description: 'Whether it is away now.' }) })),
  erased: Type.Object(
    { users: Type.Array(Type.Integer()), people: Type.Array(Type.Integer()) },
    { description: 'Who was erased, by number in the catalogue and in the log: no name is left.' },
  ),
  keys: Type.Optional(
    Type.String({
      description: 'The key file of the writer (digests of keys, no keys). Absent: the caller has it, or did not say which it has.',
    }),
  ),
});

export function removalRoutes(app: App, { context }: Service): void {
  const { pins, boards, removals, erasures, database } = context.catalog;
  const config = { scope: 'catalogue' as const, body: 'fields' as const };
  const schema = (summary: string) => ({ summary, tags: ['catalogue'], response: replies(Receipt) });
  /** Writes, lets this process take it over (others do before their next reply), and says how many rows changed. */
  const done = async (write: () => number): Promise<Receipt> => {
    const written = await whenWritable(database, () => context.catalog.transaction(() => countedWith(context, write)));
    context.refresher.switched();
    await context.refresher.soon();
    return { read: Math.max(1, written), written, unchanged: written === 0 ? 1 : 0, rejected: {} };
  };
  const pinIndex = (id: string): number => known(pins.indexOf(id), 'CATALOG_PIN_UNKNOWN', { pinId: id });
  const boardIndex = (id: string): number => known(boards.everIndexOf(id), 'CATALOG_BOARD_UNKNOWN', { boardId: id });
  const saveKey = ({ pinId, boardId, userId }: SaveRequest): SaveKey => {
    const key = { pinIndex: pinIndex(pinId), boardIndex: boardIndex(boardId) };
    return userId === undefined ? key : { ...key, userIndex: context.catalog.users.indexOf(userId) };
  };

  app.get(
    '/v1/removals',
    {
      schema: {
        summary:
          'What nodes ask for between two publications: pins taken away or back, people erased, and the keys, after a change of the catalogue',
        tags: ['nodes'],
        querystring: Type.Object(
          {
            after: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
            keys: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the key file that the caller has.' })),
          },
          { additionalProperties: false },
        ),
        response: replies(Fates),
      },
      config: { scope: 'lists', prompt: true },
    },
    async ({ query: { after, keys } }) => {
      const last = context.catalog.lastChange();
      const through = Math.min(last, after + CHANGES_AT_ONCE);
      const gone = { pins: removals.fatesBetween(after, through), erased: erasures.between(after, through) };
      const text = keys === undefined ? '' : keysText(context.dataFolder);
      return { through, more: through < last, ...gone, ...(keys === undefined || keysDigest(text) === keys ? {} : { keys: text }) };
    },
  );

  const params = { params: PinParams };
  app.delete('/v1/pins/:id', { schema: { ...schema('Takes a pin out of everything, at once'), ...params }, config }, (request) =>
    done(() => removals.removePins([pinIndex(request.params.id)], Date.now())),
  );
  app.post(
    '/v1/pins/:id/restore',
    { schema: { ...schema('Brings a pin back that was taken away within a day'), ...params }, config },
    (request) => done(() => removals.restorePins([pinIndex(request.params.id)], Date.now())),
  );
  app.delete('/v1/boards/:id', { schema: { ...schema('Takes a board away, and the saves on it'), ...params }, config }, (request) =>
    done(() => Number(removals.removeBoard(boardIndex(request.params.id), Date.now()))),
  );
  app.post('/v1/boards/:id/restore', { schema: { ...schema('Brings a board back, with its saves'), ...params }, config }, (request) =>
    done(() => Number(removals.restoreBoard(boardIndex(request.params.id), Date.now()))),
  );
  app.delete('/v1/saves', { schema: { ...schema('Takes a pin from a board'), body: SaveBody }, config }, (request) =>
    done(() => removals.removeSaves(saveKey(request.body as SaveRequest), Date.now())),
  );
  app.post(
    '/v1/saves/restore',
    { schema: { ...schema('Puts a pin back on a board it was taken from'), body: SaveBody }, config },
    (request) => done(() => removals.restoreSaves(saveKey(request.body as SaveRequest), Date.now())),
  );
}

interface Receipt {
  readonly read: number;
  readonly written: number;
  readonly unchanged: number;
  readonly rejected: Readonly<Record<string, never>>;
}

/** Category vectors follow the boards that hold a pin. */
function countedWith({ catalog }: Context, write: () => number): number {
  const before = catalog.lastChange();
  const written = write();
  catalog.deriveCategories(before);
  return written;
}

function known(index: number, code: 'CATALOG_PIN_UNKNOWN' | 'CATALOG_BOARD_UNKNOWN', fields: Readonly<Record<string, string>>): number {
  if (index < 0) throw new ServiceError(code, fields);
  return index;
}
