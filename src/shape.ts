import type { Static, TSchema } from 'typebox';

/** What a schema describes, read-only all through. */
export type Shape<S extends TSchema> = ReadOnly<Static<S>>;

type ReadOnly<T> = T extends object ? { readonly [K in keyof T]: ReadOnly<T[K]> } : T;
