import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Context } from '../../service/context.ts';
import type { Reply } from '../schemas.ts';
import type { Scope } from '../../access-keys.ts';
import type { Lane } from '../shell/admission.ts';
import type { ImageForm } from './image-form.ts';
import type { Keys } from '../shell/keys.ts';
import type { Metrics } from '../shell/metrics.ts';

/** Requests get their types from the schemas, and handlers must return what the schema of their reply says. */
interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  readonly serializer: this['schema'] extends TSchema ? Reply<this['schema']> : unknown;
}

/** The Fastify instance with our schemas as types. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  SchemaTypes
>;

/** What a route expects in its body, for a bound that fits (json-body.ts). */
export type BodyKind = 'fields' | 'list' | 'picture' | 'definition' | 'rows';

/** What a route group is given. */
export interface Service {
  readonly context: Context;
  readonly metrics: Metrics;
  readonly keys: Keys;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key must be allowed to do; absent: anybody may. */
    readonly scope?: Scope;
    /** Tells what somebody likes or did: asks for a key once there are keys, whatever the setting for reading. */
    readonly personal?: boolean;
    /** The budget it takes from when it isn't its scope's own: expensive work says heavy. */
    readonly lane?: Lane;
    /** Fetches from elsewhere what the request needs, before it waits for its turn. */
    readonly gather?: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
    /** Waits for nothing but memory and the group commit. */
    readonly prompt?: boolean;
    /** Takes a form with an image beside JSON. */
    readonly form?: boolean;
    /** What its body holds; absent: a few fields. */
    readonly body?: BodyKind;
    /** Its body goes to another process as it comes. */
    readonly passedOn?: boolean;
    /** Kept out of the one line per request. */
    readonly quiet?: boolean;
  }
  interface FastifyRequest {
    /** Fields of the request's log line. */
    line: Record<string, unknown>;
    /** Name of the key that was used, or null. */
    keyName: string | null;
    /** What that key may do. */
    keyScopes: ReadonlySet<Scope> | null;
    /** The form that came, of routes that take one. */
    form: ImageForm | null;
    /** The picture at the address that the request gave. */
    fetched: Uint8Array | null;
  }
}
