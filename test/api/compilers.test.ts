import { expect, test } from 'vitest';
import { buildSerializer, buildValidator } from '../../src/api/shell/compilers.ts';

const schema = { type: 'object', properties: { limit: { type: 'integer' } }, required: ['limit'], additionalProperties: false };
const options = { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } } as never;
type Check = ((value: unknown) => boolean) & { errors?: readonly { keyword: string }[] | null };

test('a query is made into numbers and a body is not; what is wrong is said by the check that found it', () => {
  const compile = buildValidator({}, options);
  const of = (httpPart: string): Check => compile({ schema, method: 'GET', url: '/', httpPart } as never) as unknown as Check;
  const [query, body] = [of('querystring'), of('body')];
  const given = { limit: '4' };
  expect(query(given)).toBe(true);
  expect(given.limit).toBe(4);
  expect(query({})).toBe(false);
  expect(query.errors?.[0].keyword).toBe('required');
  expect(query({ limit: 1 })).toBe(true);
  expect(query.errors).toBeNull();
  expect(body({ limit: '4' })).toBe(false);
  expect(body.errors?.[0].keyword).toBe('type');
});

test('a schema that is never asked for is not compiled', () => {
  const broken = { type: 'object', properties: { a: { $ref: '#/nowhere' } } };
  const check = buildValidator({}, options)({ schema: broken, method: 'GET', url: '/', httpPart: 'body' } as never) as unknown as Check;
  expect(() => check({})).toThrow(/nowhere/);
  const write = buildSerializer({}, {})({ schema, method: 'GET', url: '/', httpStatus: '200' } as never);
  expect(write({ limit: 3, more: 4 })).toBe('{"limit":3}');
});
