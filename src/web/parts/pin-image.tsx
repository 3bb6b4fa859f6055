import type { TargetedEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { callBlob, imagePath } from '../api.ts';
import { useKey } from '../key.ts';

interface Props {
  readonly pinId: string;
  readonly widthPx: number;
  readonly alt: string;
  readonly class?: string;
  readonly draggable?: boolean;
  readonly onLoad?: (event: TargetedEvent<HTMLImageElement>) => void;
  readonly onError?: () => void;
}

/** A picture is fetched when it comes this near to the window. */
const NEAR = '600px';

/**
 * A pin's picture, loaded when it comes near the window. An image element cannot send a key: where a visitor has typed one
 * in, the picture is fetched with it and shown from memory.
 */
export function PinImage(props: Props) {
  const key = useKey();
  const { pinId, widthPx, ...rest } = props;
  if (key) return <FetchedImage key={`${key} ${pinId} ${widthPx}`} {...props} />;
  return <img {...rest} loading="lazy" decoding="async" src={`/v1${imagePath(pinId, widthPx)}`} />;
}

/** One picture of one key: another is another component, so nothing stale is ever shown. */
function FetchedImage({ pinId, widthPx, onError, ...rest }: Props) {
  const image = useRef<HTMLImageElement>(null);
  const [address, setAddress] = useState<string | undefined>();
  useEffect(() => {
    if (!image.current) return;
    const stop = new AbortController();
    let made = '';
    const show = (blob: Blob): void => {
      if (stop.signal.aborted) return;
      made = URL.createObjectURL(blob);
      setAddress(made);
    };
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry.isIntersecting) return;
        observer.disconnect();
        callBlob(imagePath(pinId, widthPx), stop.signal)
          .then(show)
          .catch(() => stop.signal.aborted || onError?.());
      },
      { rootMargin: NEAR },
    );
    observer.observe(image.current);
    return () => {
      observer.disconnect();
      stop.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, []);
  return <img {...rest} ref={image} src={address} decoding="async" onError={onError} />;
}
