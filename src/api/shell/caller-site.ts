/**
 * Browsers are not callers by accident. A page of another site can make the browser of somebody inside send requests here:
 * by a form, by a script that can't read the reply, or, after it pointed its own name at our address (DNS rebinding), by
 * one that can. The first two are told by what browsers say of themselves (`Sec-Fetch-Site`, `Origin`), the last one by
 * the name in `Host`. Programs send neither of the two headers and are not concerned.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { ServiceError } from '../../errors.ts';
import type { App } from '../routes/routes.ts';
import { hostNameOf, isLoopbackName } from './host-name.ts';

interface SiteRules {
  /** Names that may stand in `Host` besides loopback; empty: any, once there are keys. */
  readonly hosts: readonly string[];
  /** Origins whose pages may send what changes something, besides our own. */
  readonly origins: readonly string[];
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses requests under a foreign name, those that change something from a page of another site, and while no key exists
 * also reads from such a page. `isGuarded` says whether a key exists.
 *
 * @throws REQUEST_HOST_REFUSED, REQUEST_CROSS_SITE
 */
export function refuseForeign(app: App, rules: SiteRules, isGuarded: () => boolean): void {
  const hosts = new Set(rules.hosts.map((host) => hostNameOf(host)));
  const origins = new Set(rules.origins.map((origin) => origin.toLowerCase()));
  app.addHook('onRequest', (request, _, done) => {
    const { headers, method, routeOptions } = request;
    const name = hostNameOf(headers.host ?? '');
    if (!isLoopbackName(name) && !(hosts.size > 0 ? hosts.has(name) : isGuarded())) {
      return done(new ServiceError('REQUEST_HOST_REFUSED', { host: name.slice(0, 100) }));
    }
    if (!isFromAnotherSite(headers, origins)) return done();
    // A link on another page may lead to ours; what the pages show they ask for themselves.
    const isRead = SAFE_METHODS.has(method);
    if (isRead && (routeOptions.config.scope === undefined || isGuarded())) return done();
    done(new ServiceError('REQUEST_CROSS_SITE'));
  });
}

function isFromAnotherSite(headers: IncomingHttpHeaders, origins: ReadonlySet<string>): boolean {
  const { host = '', origin } = headers;
  if (origin !== undefined && origins.has(origin.toLowerCase())) return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return origin !== undefined && !isOriginOf(origin, host);
}

/** Whether a page of this origin was served under the name in `Host`; ports that go without saying are the same. */
function isOriginOf(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: named } = new URL(origin);
  const asked = `${protocol}//${host}`;
  return /^https?:$/.test(protocol) && URL.canParse(asked) && new URL(asked).host === named;
}
