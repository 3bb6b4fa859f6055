import type { TargetedEvent } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Mode } from '../../api/search-schemas.ts';
import type { Box } from '../api.ts';
import { isCommand } from '../keyboard.ts';
import { dragBox, drawnBox, type Fractions, type Grip, MIDDLE, readBox, stepBox, toFractions, toPixels } from './crop-box.ts';
import { MarkChips } from './marks.tsx';
import { MatchBox, MatchShape } from './match-box.tsx';
import type { SeenObject } from './object-boxes.tsx';
import { PinImage } from './pin-image.tsx';
import { RegionResults } from './region-results.tsx';
import { MODES, type Picture, useRegionSearch } from './region-search.ts';
import { dotName } from './spoken.tsx';

/** The objects and marks of a picture, and its size in the pixels of their boxes. */
export type FoundObjects = readonly SeenObject[] & { width?: number | undefined; height?: number | undefined };

interface CropState {
  readonly box: Fractions;
  readonly settled: boolean;
  readonly via: 'crop' | 'dot';
}

/**
 * Search inside a picture: the box is dragged, pulled at its corners, drawn again or stepped by keys; results and terms
 * follow it. `crop` is the box of the address ("" for none yet), in pixels of the original.
 */
export function Cropper({
  picture,
  address,
  objects,
  crop,
  onCrop,
}: {
  picture: Picture;
  /** Of an uploaded picture. */
  address?: string;
  objects: FoundObjects;
  crop: string;
  onCrop: (crop: string) => void;
}) {
  const [natural, setNatural] = useState<readonly [number, number] | null>(null);
  const extent = objects.width && objects.height ? ([objects.width, objects.height] as const) : natural;
  const [terms, setTerms] = useState<readonly string[]>([]);
  const [mode, setMode] = useState<Mode>('flashlight');
  const [mark, setMark] = useState<string | null>(null);
  const [pointed, setPointed] = useState<Box | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const held = useRef(false);
  const { state, move, settle } = useBox(crop, extent, (box) => {
    setTerms([]);
    if (extent) onCrop(toPixels(box, extent));
  });
  const key = 'pinId' in picture ? picture.pinId : picture.file;
  const asked = useMemo(() => picture, [key]);
  const search = useRegionSearch(
    asked,
    { box: state?.box ?? null, terms, mark, mode, settled: state?.settled ?? false, via: state?.via ?? 'crop' },
    held,
  );
  const matched = search.reply?.items.find((item) => item.match)?.match;
  const grab = useGrab(frame, state?.box ?? null, move, settle);
  const keys = (event: KeyboardEvent): void => {
    const next = state && isCommand(event) && stepBox(state.box, event);
    if (!next) return;
    event.preventDefault();
    settle(next);
  };
  const shown = measured((width, height) => setNatural([width, height]));
  return (
    <div class="cropper">
      <div class="cropper-picture">
        <div class="stage" ref={frame} onPointerDown={(event) => grab(event, 'draw')}>
          {'pinId' in picture ? <PinImage pinId={picture.pinId} widthPx={736} {...shown} /> : <img src={address} {...shown} />}
          {state && <CropBox box={state.box} onKeys={keys} onGrab={grab} />}
          {extent && matched && <MatchShape corners={matched.query} extent={extent} />}
          {extent && pointed && <MatchBox box={pointed} extent={extent} />}
          {extent && <Dots objects={objects} extent={extent} onGrab={grab} onPick={(box) => settle(toFractions(box, extent), 'dot')} />}
        </div>
        <p class="hint">Drag the box or its corners, draw a new one, or click a dot. Arrow keys move it, with shift they resize it.</p>
      </div>
      <div>
        <ModeChips modes={search.reply?.modes ?? []} chosen={mode} onChoose={setMode} />
        <MarkChips chosen={mark} onChoose={setMark} />
        <RegionResults search={search} terms={terms} onTerms={setTerms} onPoint={setPointed} held={held} />
      </div>
    </div>
  );
}

/** What the picture is shown with: it says how large it is when it is there. */
function measured(onSize: (width: number, height: number) => void) {
  return {
    alt: 'The picture that is searched in',
    draggable: false,
    onLoad: ({ currentTarget }: TargetedEvent<HTMLImageElement>) => onSize(currentTarget.naturalWidth, currentTarget.naturalHeight),
  };
}

/** The box, the middle of the picture until somebody chose one. `onSettled` hears of each box that is let go. */
function useBox(crop: string, extent: readonly [number, number] | null, onSettled: (box: Fractions) => void) {
  const [state, setState] = useState<CropState | null>(null);
  useEffect(() => {
    if (extent && !state) setState({ box: readBox(crop, extent) ?? MIDDLE, settled: true, via: 'crop' });
  }, [extent?.[0], extent?.[1]]);
  const move = (box: Fractions): void => setState({ box, settled: false, via: 'crop' });
  const settle = (box: Fractions, via: CropState['via'] = 'crop'): void => {
    setState({ box, settled: true, via });
    onSettled(box);
  };
  return { state, move, settle };
}

function ModeChips({ modes, chosen, onChoose }: { modes: readonly Mode[]; chosen: Mode; onChoose: (mode: Mode) => void }) {
  return (
    <div class="row wrap modes" role="group" aria-label="What to search for">
      {modes.map((mode) => (
        <button
          type="button"
          key={mode}
          class={`chip${mode === chosen ? ' on' : ''}`}
          aria-pressed={mode === chosen}
          onClick={() => onChoose(mode)}
        >
          {MODES[mode]}
        </button>
      ))}
    </div>
  );
}

function CropBox({
  box,
  onKeys,
  onGrab,
}: {
  box: Fractions;
  onKeys: (event: KeyboardEvent) => void;
  onGrab: (event: PointerEvent, grip: Grip) => void;
}) {
  const [x1, y1, x2, y2] = box.map((side) => side * 100);
  return (
    <div
      class="crop"
      role="group"
      aria-label="Crop box. Arrow keys move it, with shift they resize it, Escape takes the whole picture."
      tabIndex={0}
      style={{ left: `${x1}%`, top: `${y1}%`, width: `${x2 - x1}%`, height: `${y2 - y1}%` }}
      onKeyDown={onKeys}
      onPointerDown={(event) => onGrab(event, 'move')}
    >
      {(['nw', 'ne', 'sw', 'se'] as const).map((corner) => (
        <span key={corner} class={`grip ${corner}`} onPointerDown={(event) => onGrab(event, corner)} />
      ))}
    </div>
  );
}

/** A dot on each object that is shown; it names the object where that is sure enough, and searches by it. Pulled at, it lets the box be dragged. */
function Dots({
  objects,
  extent,
  onGrab,
  onPick,
}: {
  objects: FoundObjects;
  extent: readonly [number, number];
  onGrab: (event: PointerEvent, grip: Grip, tapped?: () => void) => void;
  onPick: (box: Box) => void;
}) {
  return (
    <>
      {objects
        .filter(({ shown }) => shown)
        .map((object, index) => {
          const { label, box, people, mark } = object;
          const name = label ? dotName(object) : `cropped by ${people ?? 'many'} people`;
          return (
            <button
              type="button"
              key={index}
              class={`dot${label ? '' : ' people'}${mark ? ' mark' : ''}${box[0] + box[2] > 1.4 * extent[0] ? ' at-right' : ''}`}
              style={{ left: `${(50 * (box[0] + box[2])) / extent[0]}%`, top: `${(50 * (box[1] + box[3])) / extent[1]}%` }}
              title={name ?? ''}
              aria-label={name ? `Search this: ${name}` : 'Search this'}
              onPointerDown={(event) => onGrab(event, 'move', () => onPick(box))}
              onClick={(event) => event.detail === 0 && onPick(box)}
            >
              {name && <span>{name}</span>}
            </button>
          );
        })}
    </>
  );
}

/**
 * Pointer handling for mouse, pen and finger alike: the box follows, and is settled when let go. A press that does not move is a
 * tap, recognized here because browsers leave out the click of a tap that comes soon after a drag.
 */
function useGrab(
  frame: { current: HTMLDivElement | null },
  box: Fractions | null,
  move: (box: Fractions) => void,
  settle: (box: Fractions) => void,
) {
  return (event: PointerEvent, grip: Grip, tapped?: () => void): void => {
    if (!box || !frame.current || event.button > 0) return;
    if (event.pointerType === 'mouse') event.preventDefault();
    event.stopPropagation();
    const area = frame.current.getBoundingClientRect();
    const start = [(event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height] as const;
    let latest: Fractions | null = null;
    const follow = (moved: PointerEvent): void => {
      if (moved.pointerId !== event.pointerId) return;
      const x = (moved.clientX - area.left) / area.width;
      const y = (moved.clientY - area.top) / area.height;
      if (!latest && Math.hypot(moved.clientX - event.clientX, moved.clientY - event.clientY) < 4) return;
      latest = grip === 'draw' ? drawnBox(...start, x, y) : dragBox(box, grip, x - start[0], y - start[1]);
      move(latest);
    };
    const end = (ended: PointerEvent): void => {
      if (ended.pointerId !== event.pointerId) return;
      for (const type of ['pointermove', 'pointerup', 'pointercancel'] as const)
        removeEventListener(type, type === 'pointermove' ? follow : end);
      if (latest) settle(latest);
      else if (ended.type === 'pointerup') tapped?.();
    };
    addEventListener('pointermove', follow);
    addEventListener('pointerup', end);
    addEventListener('pointercancel', end);
  };
}
