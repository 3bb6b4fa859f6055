import { Value } from 'typebox/value';
import type { TSchema } from 'typebox';
import type { App } from '../src/api/routes/routes.ts';

type Schema = Readonly<{
  properties?: Readonly<Record<string, Schema>>;
  additionalProperties?: Schema | boolean;
  patternProperties?: Readonly<Record<string, Schema>>;
  items?: Schema;
  anyOf?: readonly Schema[];
  allOf?: readonly Schema[];
  content?: Readonly<Record<string, { readonly schema: Schema }>>;
}>;

/**
 * Refuses every reply that its schema does not describe. A serializer drops a field that the schema does not name, so a
 * reply can lose one without any error.
 */
export function holdRepliesToSchemas(app: App): void {
  app.addHook('preSerialization', async (request, reply, payload) => {
    const { response } = (request.routeOptions.schema ?? {}) as { response?: Readonly<Record<string, Schema>> };
    if (reply.statusCode !== 200 || !response?.[200]) return payload;
    const schema = response[200].content?.['application/json']?.schema ?? response[200];
    const where = `${request.method} ${request.routeOptions.url ?? ''}`;
    const undeclared = undeclaredIn(payload, schema, '');
    if (undeclared.length > 0) throw new Error(`${where}: no schema for ${undeclared.join(', ')}`);
    const [wrong] = Value.Errors(schema as TSchema, JSON.parse(JSON.stringify(payload)));
    if (wrong) throw new Error(`${where}: ${wrong.instancePath} ${wrong.message}`);
    return payload;
  });
}

function undeclaredIn(value: unknown, schema: Schema, at: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (schema.anyOf) {
    const found = schema.anyOf.map((each) => undeclaredIn(value, each, at));
    return found.find((each) => each.length === 0) ?? found[0];
  }
  if (schema.allOf) return undeclaredIn(value, { properties: Object.assign({}, ...schema.allOf.map(({ properties }) => properties)) }, at);
  if (Array.isArray(value)) return value.flatMap((each, i) => (schema.items ? undeclaredIn(each, schema.items, `${at}[${i}]`) : []));
  const others = schema.patternProperties ? Object.values(schema.patternProperties)[0] : schema.additionalProperties;
  if (!schema.properties && others === undefined) return schema && Object.keys(schema).length === 0 ? [] : [`${at || '/'} as a whole`];
  return Object.entries(value).flatMap(([name, each]) => {
    const own = schema.properties?.[name] ?? others;
    if (each === undefined || own === true) return [];
    return own ? undeclaredIn(each, own, `${at}.${name}`) : [`${at}.${name}`];
  });
}
