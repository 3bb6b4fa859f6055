import type { ComponentChildren } from 'preact';
import { imageAddress } from '../api.ts';

/** A pin as a card: its image (or its name, when there is none), what is laid over it, what is written under it. */
export function PinCard({
  pinId,
  title,
  href,
  children,
  overlay,
  onOpen,
  marked,
}: {
  pinId: string;
  title?: string | undefined;
  href: string;
  children?: ComponentChildren;
  overlay?: ComponentChildren;
  onOpen?: (() => void) | undefined;
  marked?: boolean;
}) {
  return (
    <article class={`card${marked ? ' marked' : ''}`} data-pin={pinId}>
      <a class="card-image" href={href} onClick={onOpen} aria-label={title || pinId}>
        <img src={imageAddress(pinId, 320)} alt={title || pinId} loading="lazy" decoding="async" onError={showName} />
        <span class="card-name">{title || pinId}</span>
      </a>
      {overlay && <div class="card-overlay">{overlay}</div>}
      {children && <div class="card-foot">{children}</div>}
    </article>
  );
}

/** A pin whose image is missing shows its name on a plain card instead of a broken picture. */
function showName(event: Event): void {
  (event.currentTarget as HTMLElement).closest('.card-image')?.classList.add('no-image');
}
