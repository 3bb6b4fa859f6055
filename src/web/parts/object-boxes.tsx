import { useState } from 'preact/hooks';
import type { Box, PinObject } from '../api.ts';
import { markTitle } from './marks.tsx';
import { PinImage } from './pin-image.tsx';

/** An object or, with its label, a mark: what stands in a picture. */
export type SeenObject = PinObject & { readonly mark?: true };

/** The pin's image with its detected objects drawn over it: boxes on demand, the dominant object marked. */
export function ObjectBoxes({
  pinId,
  title,
  objects,
  showBoxes,
  onPick,
}: {
  pinId: string;
  title: string;
  objects: readonly SeenObject[];
  showBoxes: boolean;
  onPick?: (box: Box) => void;
}) {
  const [size, setSize] = useState<readonly [number, number] | null>(null);
  const [failed, setFailed] = useState(false);
  const extent = originalSize(objects, size);
  const atFoot = extent ? labelsAtFoot(objects, extent) : [];
  return (
    <div class={`stage${failed ? ' no-image' : ''}`}>
      <PinImage
        pinId={pinId}
        widthPx={736}
        alt={title}
        onLoad={(event) => setSize([event.currentTarget.naturalWidth, event.currentTarget.naturalHeight])}
        onError={() => setFailed(true)}
      />
      {failed && <p class="stage-note">This pin has no image.</p>}
      {showBoxes &&
        extent &&
        objects.map((object, index) => {
          const [x1, y1, x2, y2] = object.box;
          const style = {
            left: `${(100 * x1) / extent[0]}%`,
            top: `${(100 * y1) / extent[1]}%`,
            width: `${(100 * (x2 - x1)) / extent[0]}%`,
            height: `${(100 * (y2 - y1)) / extent[1]}%`,
          };
          return (
            <button
              type="button"
              key={index}
              class={`box${object.dominant ? ' dominant' : ''}${object.shown ? '' : ' hidden-dot'}${object.mark ? ' mark' : ''}`}
              style={style}
              title={object.mark ? markTitle(object) : objectTitle(object)}
              onClick={() => onPick?.(object.box)}
            >
              <span class={`box-label${atFoot[index] ? ' foot' : ''}`}>
                {object.dominant ? '★ ' : ''}
                {object.label} {(100 * object.score).toFixed(0)}
              </span>
            </button>
          );
        })}
    </div>
  );
}

function objectTitle({ label, score, dominant, suppressedBy }: PinObject): string {
  return `${label} ${(100 * score).toFixed(0)} %${dominant ? ', the dominant object' : ''}${suppressedBy ? `, no dot: ${suppressedBy}` : ''}`;
}

/** Room a label takes, in shares of the picture. */
const LABEL = { width: 0.3, height: 0.05 };

/** Which labels stand at the foot of their box, because an earlier box has its label where theirs would be. */
function labelsAtFoot(objects: readonly PinObject[], [width, height]: readonly [number, number]): readonly boolean[] {
  const taken: [number, number][] = [];
  return objects.map(({ box: [x1, y1, , y2] }) => {
    const free = (y: number): boolean =>
      taken.every(([x, other]) => Math.abs(x - x1) > LABEL.width * width || Math.abs(other - y) > LABEL.height * height);
    const foot = !free(y1) && free(y2 - LABEL.height * height);
    taken.push([x1, foot ? y2 - LABEL.height * height : y1]);
    return foot;
  });
}

/** Boxes are in pixels of the original; the service sends its size with them, the shown image only keeps the ratio. */
function originalSize(objects: readonly PinObject[], shown: readonly [number, number] | null): readonly [number, number] | null {
  const sized = objects as readonly PinObject[] & { width?: number; height?: number };
  if (sized.width && sized.height) return [sized.width, sized.height];
  return shown;
}
