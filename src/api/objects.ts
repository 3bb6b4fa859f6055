import { Type } from 'typebox';
import { pinOf } from './list-options.ts';
import type { App, Service } from './routes.ts';
import { PinParams, replies } from './schemas.ts';

const Box = Type.Array(Type.Number(), { minItems: 4, maxItems: 4, description: 'x1, y1, x2, y2 in pixels of the original.' });
const Objects = Type.Object({
  width: Type.Integer(),
  height: Type.Integer(),
  objects: Type.Array(
    Type.Object({
      label: Type.String(),
      score: Type.Number(),
      box: Box,
      shown: Type.Boolean(),
      dominant: Type.Boolean(),
      suppressedBy: Type.Optional(Type.String()),
    }),
  ),
  missing: Type.Array(Type.String()),
});

export function objectRoutes(app: App, { context }: Service): void {
  const schema = {
    summary: "The objects in a pin's picture, and which one it is about",
    tags: ['objects'],
    params: PinParams,
    response: replies(Objects),
  };
  app.get('/v1/pins/:id/objects', { schema, config: { scope: 'read' } }, async (request) => {
    const found = context.objectsOf(pinOf(context, request.params.id));
    if (!found) return { width: 0, height: 0, objects: [], missing: ['detections'] };
    return { ...found, missing: [] };
  });
}
