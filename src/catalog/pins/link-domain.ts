/** The site a link leads to, without "www.": "https://www.Shop.example/a" is "shop.example"; null when it is no web address. */
export function linkDomain(link: string): string | null {
  const host = /^https?:\/\/(?:[^/?#@]*@)?([^/?#:@]+)/i.exec(link.trim())?.[1].toLowerCase();
  return host ? host.replace(/^www\./, '').replace(/\.$/, '') || null : null;
}
