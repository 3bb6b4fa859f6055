import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * Columns filled left to right, so that rank order reads as people read: the first row holds the best items.
 * `onEnd` is called when the end of the list comes near the window.
 */
export function Masonry({
  children,
  minColumnPx = 200,
  onEnd,
}: {
  children: readonly ComponentChildren[];
  minColumnPx?: number;
  onEnd?: (() => void) | null;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(4);
  useEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => setColumns(Math.max(2, Math.floor(entry.contentRect.width / minColumnPx))));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, [minColumnPx]);
  useEffect(() => {
    if (!onEnd || !end.current) return;
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && onEnd(), { rootMargin: '800px' });
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [onEnd]);
  return (
    <>
      <div class="masonry" ref={frame}>
        {Array.from({ length: columns }, (_, column) => (
          <div class="masonry-column" key={column}>
            {children.filter((_, index) => index % columns === column)}
          </div>
        ))}
      </div>
      <div ref={end} class="masonry-end" />
    </>
  );
}
