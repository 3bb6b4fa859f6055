import type { Box } from '../api.ts';

/** Four corners on a picture, all in pixels of the original: where the same thing is, turned as it lies. */
export function MatchShape({ corners, extent }: { corners: readonly (readonly number[])[]; extent: readonly number[] }) {
  const points = corners.map(([x, y]) => `${x},${y}`).join(' ');
  return (
    <svg class="match-shape" viewBox={`0 0 ${extent[0]} ${extent[1]}`} preserveAspectRatio="none" aria-hidden="true">
      <polygon points={points} />
    </svg>
  );
}

/** A box on a picture, both in pixels of the original: it lies where it belongs however large the picture is shown. */
export function MatchBox({ box, extent }: { box: Box; extent: readonly [number, number] }) {
  const [x1, y1, x2, y2] = [box[0] / extent[0], box[1] / extent[1], box[2] / extent[0], box[3] / extent[1]].map((side) => side * 100);
  return <span class="match-box" style={{ left: `${x1}%`, top: `${y1}%`, width: `${x2 - x1}%`, height: `${y2 - y1}%` }} />;
}
