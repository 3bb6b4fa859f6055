import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ListPlace } from '../router.ts';
import { PinImage } from './pin-image.tsx';

/** A pin as a card: its image, its title and price under it, what is laid over the image, what is written below. */
export function PinCard({
  pinId,
  title,
  price,
  href,
  from,
  children,
  overlay,
  pictured,
  onOpen,
  marked,
}: {
  pinId: string;
  title?: string | null | undefined;
  price?: string | undefined;
  href: string;
  /** Where it stands in a served list, when what follows from opening it counts for that list. */
  from?: ListPlace | undefined;
  children?: ComponentChildren;
  overlay?: ComponentChildren;
  /** Drawn on the picture itself, in shares of its size. */
  pictured?: ComponentChildren;
  onOpen?: (() => void) | undefined;
  marked?: boolean;
}) {
  const [imageless, setImageless] = useState(false);
  const name = title || `pin ${pinId}`;
  const caption = title || (imageless ? pinId : '');
  return (
    <article class={`card${marked ? ' marked' : ''}`} data-pin={pinId}>
      <a
        class={`card-image${imageless ? ' no-image' : ''}`}
        href={href}
        data-from={from && JSON.stringify(from)}
        onClick={onOpen}
        aria-label={name}
      >
        <span class="card-picture">
          <PinImage pinId={pinId} widthPx={320} alt={caption ? '' : name} onError={() => setImageless(true)} />
          {pictured}
        </span>
        {(caption || price) && (
          <span class="card-name">
            {caption}
            {price && <b>{price}</b>}
          </span>
        )}
      </a>
      {overlay && <div class="card-overlay">{overlay}</div>}
      {children && <div class="card-foot">{children}</div>}
    </article>
  );
}
