/** What to say where no route answers: the address takes other methods (405, with `Allow`), or there is no such address. */
import type { FastifyRequest } from 'fastify';
import { ServiceError } from '../../errors.ts';
import type { App } from '../routes/routes.ts';

interface KnownRoute {
  /** Path between slashes; null stands for any text. */
  readonly parts: readonly (string | null)[];
  readonly methods: Set<string>;
}

export class UnknownRoute {
  private readonly routes = new Map<string, KnownRoute>();

  /** Notes every route that is added from now on. */
  constructor(app: App) {
    app.addHook('onRoute', ({ url, method }) => {
      const known = this.routes.get(url) ?? { parts: partsOf(url), methods: new Set() };
      for (const each of [method].flat()) known.methods.add(each);
      this.routes.set(url, known);
    });
  }

  /** The refusal of a request that no route took: `/v1/models/roll-back` is no name of a model. */
  errorFor({ method, url }: Pick<FastifyRequest, 'method' | 'url'>): ServiceError {
    const path = url.split('?')[0];
    const asked = path.split('/');
    const fits = ({ parts }: KnownRoute): boolean =>
      parts.length === asked.length && parts.every((part, i) => (part === null ? asked[i] !== '' : part === asked[i]));
    const opened = ({ parts }: KnownRoute): number => parts.filter((part) => part === null).length;
    const [route] = [...this.routes.values()].filter(fits).sort((a, b) => opened(a) - opened(b));
    if (route === undefined) return new ServiceError('ROUTE_UNKNOWN', { method, path });
    return new ServiceError('ROUTE_METHOD', { method, path, allowed: [...route.methods].sort().join(', ') });
  }
}

/** A wildcard stands for files of the pages, which take no part. */
function partsOf(url: string): KnownRoute['parts'] {
  return url.split('/').map((part) => (part.startsWith(':') ? null : part));
}
