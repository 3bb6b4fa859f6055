import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** "Pins.example:8080" is "pins.example", "[::1]:8080" is "::1". */
export function hostNameOf(host: string): string {
  const name = /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1] ?? host.replace(/:\d*$/, '');
  return name.toLowerCase().replace(/\.$/, '');
}

/** A name that leads to this machine whatever a name server says. */
export function isLoopbackName(name: string): boolean {
  if (name === 'localhost') return true;
  const version = isIP(name);
  return version === 4 ? name.startsWith('127.') : version === 6 && ipaddr.process(name).range() === 'loopback';
}
