/** Boards: what they hold, more ideas for them, and the boards that hold a pin. */
import { Type } from 'typebox';
import { PIN_REMOVED } from '../../catalog/pins/pin-columns.ts';
import type { Board } from '../../catalog/pins/board-store.ts';
import { ServiceError } from '../../errors.ts';
import { relatedToBoard } from '../../related-pins.ts';
import type { Context } from '../../service/context.ts';
import { BoardIdeasQuery, BoardParams, BoardsPage, BoardSummary, ListReply, PageQuery, PinParams, PinsPage, replies } from '../schemas.ts';
import { afterResponse } from './after-response.ts';
import { fieldReader } from './item-fields.ts';
import { filteredListOptions, pinOf } from './list-options.ts';
import { sendList } from './list-reply.ts';
import { examplesOf } from './related.ts';
import { startOf, summaryOf } from './pins.ts';
import type { App, Service } from './routes.ts';

/** Newest pins of a board that stand for it. */
const COVERS = 4;
const PAGE = 60;

const BoardsOfPin = Type.Object({ boards: Type.Array(BoardSummary) });

export function boardRoutes(app: App, { context, metrics }: Service): void {
  const get = <T>(summary: string, response: T) => ({ summary, tags: ['browse'], response: replies(response) });
  const config = { scope: 'read' } as const;
  app.get(
    '/v1/boards',
    { schema: { ...get('Boards with pins, the latest first, a page at a time', BoardsPage), querystring: PageQuery }, config },
    async ({ query }) =>
      boardsPage(context, query.cursor === undefined ? Number.MAX_SAFE_INTEGER : startOf(query.cursor), query.limit ?? PAGE),
  );
  app.get('/v1/boards/:id', { schema: { ...get('One board', BoardSummary), params: BoardParams }, config }, async ({ params }) =>
    boardSummary(context, boardOf(context, params.id)),
  );
  const ofBoard = { ...get('The pins of a board, the newest save first', PinsPage), params: BoardParams, querystring: PageQuery };
  app.get('/v1/boards/:id/pins', { schema: ofBoard, config }, async ({ params, query }) => {
    const { limit = PAGE, cursor } = query;
    const pins = pinsOn(context, boardOf(context, params.id));
    const start = startOf(cursor);
    const next = start + limit < pins.length ? String(start + limit) : null;
    return { pins: pins.slice(start, start + limit).map((pinIndex) => summaryOf(context, pinIndex)), nextCursor: next };
  });
  const ofPin = { ...get('The boards that hold a pin', BoardsOfPin), params: PinParams };
  app.get('/v1/pins/:id/boards', { schema: ofPin, config }, async ({ params }) => {
    const boards = [...context.catalog.saves.boardsOf(pinOf(context, params.id))].map((index) => context.catalog.boards.get(index));
    return { boards: boards.filter((board) => board !== null).map((board) => boardSummary(context, board)) };
  });
  const related = {
    summary: 'More ideas for a board: what goes with its pins and is not on it',
    tags: ['lists'],
    params: BoardParams,
    querystring: BoardIdeasQuery,
    response: replies(ListReply),
  };
  app.get('/v1/boards/:id/related', { schema: related, config }, async (request, reply) => {
    const startedAt = performance.now();
    const board = boardOf(context, request.params.id);
    const itemFields = fieldReader(context, request.query.fields);
    const options = await filteredListOptions(context, request.query, { surface: 'board', pinIndex: -1 });
    const { unlike } = examplesOf(context, { unlike: request.query.unlike });
    const list = await relatedToBoard(context.parts, { id: board.id, pinIndexes: pinsOn(context, board), unlike }, options);
    sendList(reply as never, context, list, itemFields);
    afterResponse(context, metrics, request, list, startedAt);
    return reply;
  });
}

/** @throws CATALOG_BOARD_UNKNOWN */
function boardOf({ catalog }: Context, id: string): Board {
  const board = catalog.boards.get(catalog.boards.indexOf(id));
  if (board) return board;
  throw new ServiceError('CATALOG_BOARD_UNKNOWN', { boardId: id });
}

/** Pins of a board that can be shown, the newest save first. */
function pinsOn({ catalog, pins }: Context, { boardIndex }: Board): number[] {
  return catalog.saves.newestOf(boardIndex).filter((pinIndex) => pinIndex < pins.count && (pins.flags[pinIndex] & PIN_REMOVED) === 0);
}

function boardSummary(context: Context, board: Board) {
  const { id, title, description, category } = board;
  const pins = pinsOn(context, board);
  const covers = pins.slice(0, COVERS).map((pinIndex) => context.pins.idOf(pinIndex));
  return { id, title, description, category, pins: pins.length, covers };
}

/** Boards before a place, without those that hold nothing. The cursor is the place of the last board that was looked at. */
function boardsPage(context: Context, before: number, limit: number) {
  const boards: ReturnType<typeof boardSummary>[] = [];
  let place = before;
  while (boards.length < limit) {
    const some = context.catalog.boards.latest(place, limit - boards.length);
    if (some.length === 0) return { boards, nextCursor: null };
    boards.push(...some.map((board) => boardSummary(context, board)).filter(({ pins }) => pins > 0));
    place = some[some.length - 1].boardIndex;
  }
  return { boards, nextCursor: place > 0 ? String(place) : null };
}
