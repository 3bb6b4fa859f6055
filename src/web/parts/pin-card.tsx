import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ListPlace } from '../router.ts';
import { PinImage } from './pin-image.tsx';

/** A pin as a card: its image (or its name, when there is none), what is laid over it, what is written under it. */
export function PinCard({
  pinId,
  title,
  href,
  from,
  children,
  overlay,
  onOpen,
  marked,
}: {
  pinId: string;
  title?: string | undefined;
  href: string;
  /** Where it stands in a served list, when what follows from opening it counts for that list. */
  from?: ListPlace | undefined;
  children?: ComponentChildren;
  overlay?: ComponentChildren;
  onOpen?: (() => void) | undefined;
  marked?: boolean;
}) {
  const [imageless, setImageless] = useState(false);
  const name = title || pinId;
  return (
    <article class={`card${marked ? ' marked' : ''}`} data-pin={pinId}>
      <a
        class={`card-image${imageless ? ' no-image' : ''}`}
        href={href}
        data-from={from && JSON.stringify(from)}
        onClick={onOpen}
        aria-label={name}
      >
        <PinImage pinId={pinId} widthPx={320} alt={name} onError={() => setImageless(true)} />
        <span class="card-name">{name}</span>
      </a>
      {overlay && <div class="card-overlay">{overlay}</div>}
      {children && <div class="card-foot">{children}</div>}
    </article>
  );
}
