import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** What a schema describes, read-only all through. */
export type Shape<S extends TSchema> = ReadOnly<Static<S>>;

type ReadOnly<T> = T extends object ? { readonly [K in keyof T]: ReadOnly<T[K]> } : T;

interface Described {
  readonly must?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly patternProperties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
}

/** What is wrong with a value, field by field, in the words of `must` in the field's schema, or in those of TypeBox. */
export function problemsOf(schema: TSchema, value: unknown): readonly string[] {
  const problems = new Map<string, string>();
  for (const { keyword, instancePath, params, message } of Value.Errors(schema, value)) {
    const path = instancePath.split('/').slice(1);
    const missing = keyword === 'required' ? (params as { readonly requiredProperties: readonly string[] }).requiredProperties : [];
    for (const name of missing) problems.set([...path, name].join('.'), mustOf(schema, [...path, name]) ?? 'is missing');
    const found = Value.Pointer.Get(value, instancePath);
    const problem = found === undefined ? 'is missing' : `${mustOf(schema, path) ?? message}${given(found)}`;
    if (missing.length === 0) problems.set(path.join('.'), problem);
  }
  return [...problems].map(([field, problem]) => `${field} ${problem}`.trim());
}

function given(value: unknown): string {
  return (typeof value === 'string' && value !== '') || typeof value === 'number' ? `, it is ${JSON.stringify(value)}` : '';
}

/** The `must` nearest to a field, from its own schema upwards. */
function mustOf(schema: Described, path: readonly string[]): string | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return schema.must;
  const inner = schema.properties?.[name] ?? Object.values(schema.patternProperties ?? {})[0] ?? schema.items;
  return (inner && mustOf(inner, rest)) ?? schema.must;
}
