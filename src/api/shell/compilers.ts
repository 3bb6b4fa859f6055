/**
 * What a schema is compiled into: a check of what comes, a text of what goes out. Each is compiled when its route is first called:
 * a process calls few of its routes, and compiling for all of them took a sixth of a start.
 */
import AjvCompiler from '@fastify/ajv-compiler';
import SerializerCompiler from '@fastify/fast-json-stringify-compiler';

type ValidatorFactory = ReturnType<typeof AjvCompiler>;
type SerializerFactory = ReturnType<typeof SerializerCompiler>;
type Check = ((value: unknown) => unknown) & { errors?: unknown };

/** Queries and paths are text and are made into what a route wants; bodies are taken as they are (exact-body.ts). */
export const buildValidator: ValidatorFactory = (schemas, options = {}) => {
  const [forTexts, forBodies] = [{}, { coerceTypes: false }].map((more) =>
    AjvCompiler()(schemas, { ...options, customOptions: { ...options.customOptions, ...more } } as never),
  );
  return (route) => {
    const compile = (route as { readonly httpPart?: string }).httpPart === 'body' ? forBodies : forTexts;
    let compiled: Check | null = null;
    const check: Check = (value) => {
      compiled ??= compile(route) as unknown as Check;
      const right = compiled(value);
      check.errors = compiled.errors;
      return right;
    };
    return check as never;
  };
};

export const buildSerializer: SerializerFactory = (schemas, options) => {
  const compile = SerializerCompiler()(schemas, options);
  return (route) => {
    let compiled: ((value: unknown) => string) | null = null;
    return (value: unknown) => (compiled ??= compile(route) as (value: unknown) => string)(value);
  };
};
