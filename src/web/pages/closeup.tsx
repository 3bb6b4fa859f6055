import { useMemo, useState } from 'preact/hooks';
import { type Box, call, CARD_FIELDS, type Item, type ListReply, type ObjectsReply, type PinSummary, sendEvents } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Cropper, type FoundObjects } from '../parts/cropper.tsx';
import { MarkLinks } from '../parts/marks.tsx';
import { ObjectBoxes, type SeenObject } from '../parts/object-boxes.tsx';
import { PinBoards } from '../parts/pin-boards.tsx';
import { OneList } from '../parts/one-list.tsx';
import { SaveButton, SavesRefused, useSaves } from '../parts/saves.tsx';
import { SeenWords } from '../parts/spoken.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { TreatmentPicker } from '../parts/treatment-picker.tsx';
import { go, type ListPlace, type Place, withQuery } from '../router.ts';
import { useTitle } from '../title.ts';
import { currentUser } from '../visitor.ts';
import { counted } from '../words.ts';

/** One pin, and the pins people want to see next; two orderings side by side when `against` is in the address. */
export function Closeup({ place }: { place: Place }) {
  const pinId = place.parts[1] ?? '';
  const path = `/pins/${encodeURIComponent(pinId)}`;
  const pin = useLoaded(path, (signal) => call<PinSummary>(path, { signal }));
  const objects = useLoaded(`${path}/objects`, (signal) =>
    call<ObjectsReply>(`${path}/objects?explain=true&userId=${encodeURIComponent(currentUser())}`, { signal }),
  );
  const [boxes, setBoxes] = useState(false);
  const crop = place.query.get('crop');
  const cropping = crop !== null;
  const seen = objects.kind === 'there' ? objects.value : null;
  const found = seen ? everythingIn(seen) : [];
  const pickBox = (box: Box): void => go(withQuery(place, { crop: box.map((side) => Math.round(side)).join(',') }), true);
  const value = pin.kind === 'there' ? pin.value : null;
  useTitle(value?.title || pinId);
  if (pin.kind === 'failed')
    return (
      <>
        <h1 class="visually-hidden">pin {pinId}</h1>
        <Failure error={pin.error} retry={pin.retry} />
      </>
    );
  return (
    <div class="closeup">
      <section class="hero">
        <div class="hero-image">
          {cropping ? (
            <Cropper
              picture={{ pinId }}
              objects={objects.kind === 'there' && objects.value.display === 'box' ? withoutDots(found) : found}
              crop={crop}
              onCrop={(box) => go(withQuery(place, { crop: box }), true)}
            />
          ) : (
            <ObjectBoxes pinId={pinId} title={value?.title ?? pinId} objects={found} showBoxes={boxes} onPick={pickBox} />
          )}
        </div>
        <div class="hero-text">
          <Actions pin={value} place={place} found={found} boxes={boxes} onBoxes={setBoxes} />
          {value && <h1 class={value.title ? '' : 'untitled'}>{value.title || `pin ${pinId}`}</h1>}
          {value?.description && <p>{value.description}</p>}
          <PinFacts pin={value} marks={seen?.marks ?? []} />
          <PinBoards pinId={pinId} />
        </div>
      </section>
      {!cropping && <Related pinId={pinId} place={place} />}
    </div>
  );
}

interface ActionsProps {
  readonly pin: PinSummary | null;
  readonly place: Place;
  /** Objects and marks. */
  readonly found: readonly SeenObject[];
  /** Whether their boxes are shown. */
  readonly boxes: boolean;
  readonly onBoxes: (shown: boolean) => void;
}

function Actions({ pin, place, found, boxes, onBoxes }: ActionsProps) {
  const cropping = place.query.get('crop') !== null;
  return (
    <div class="row wrap hero-actions">
      {pin && <Visit pin={pin} from={place.from} />}
      {pin && place.from && <SaveHere pin={pin} from={place.from} />}
      <button
        type="button"
        class={cropping ? 'on' : ''}
        onClick={() =>
          go(withQuery(place, { crop: cropping ? null : '' }) + (cropping ? '' : `${place.query.size > 0 ? '&' : '?'}crop=`), true)
        }
        aria-pressed={cropping}
      >
        {cropping ? 'Close the cropper' : 'Search inside the picture'}
      </button>
      {found.length > 0 && (
        <button type="button" class={boxes ? 'on' : ''} onClick={() => onBoxes(!boxes)} aria-pressed={boxes}>
          {boxes ? 'Hide' : 'Show'} {namesOf(found)}
        </button>
      )}
    </div>
  );
}

/** Objects, and marks behind them, with the size of the picture that their boxes are in. */
function everythingIn({ objects, marks = [], width, height }: ObjectsReply): FoundObjects {
  const marked = marks.map((mark): SeenObject => ({ ...mark, shown: true, dominant: false, mark: true }));
  return Object.assign([...objects, ...marked], { width, height });
}

/** "3 objects and 1 mark". */
function namesOf(found: readonly SeenObject[]): string {
  const marks = found.filter(({ mark }) => mark).length;
  const parts = [
    [found.length - marks, 'object'],
    [marks, 'mark'],
  ] as const;
  return parts.flatMap(([count, one]) => (count > 0 ? [counted(count, one)] : [])).join(' and ');
}

/** Where a treatment shows a box instead of dots, objects only say how large the picture is. */
function withoutDots(found: FoundObjects): FoundObjects {
  return Object.assign([], { width: found.width, height: found.height });
}

function PinFacts({ pin, marks }: { pin: PinSummary | null; marks: NonNullable<ObjectsReply['marks']> }) {
  if (!pin) return <Skeleton count={1} />;
  const categories = Object.entries(pin.categories ?? {}).sort((a, b) => b[1] - a[1]);
  const seen = Object.entries(pin.seen ?? {}).map(([word, confidence]) => ({ word, confidence }));
  const terms = Object.entries(pin.annotations ?? {})
    .filter(([term]) => pin.seen?.[term] === undefined)
    .sort((a, b) => b[1] - a[1]);
  const fields = Object.entries(pin.fields ?? {});
  return (
    <>
      {fields.length > 0 && (
        <dl class="fields">
          {fields.map(([name, value]) => (
            <div key={name} class={name === 'price' ? 'price' : ''}>
              <dt>{name}</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      <p class="row wrap">
        {pin.saves !== undefined && <span class="badge">{counted(pin.saves, 'save')}</span>}
        {pin.buyable && <span class="badge buyable">buyable</span>}
        {categories.map(([name]) => (
          <a class="chip" key={name} href={`/?category=${encodeURIComponent(name)}`}>
            {name}
          </a>
        ))}
        <MarkLinks marks={marks} />
        <SeenWords words={seen} />
        {terms.slice(0, 10).map(([term]) => (
          <a class="term-chip" key={term} href={`/?q=${encodeURIComponent(term)}`}>
            {term}
          </a>
        ))}
      </p>
    </>
  );
}

/** Saving counts for the list that the pin was opened from. */
function SaveHere({ pin, from }: { pin: PinSummary; from: ListPlace }) {
  const saves = useSaves(from.recommendationId);
  const { position } = from;
  return (
    <>
      <SaveButton item={{ pinId: pin.id, position, score: 0, sources: [], title: pin.title ?? '' }} saves={saves} />
      <SavesRefused saves={saves} />
    </>
  );
}

/** The way to where the pin comes from; going there counts for the list that the pin was opened from. */
function Visit({ pin: { id, link }, from }: { pin: PinSummary; from: ListPlace | null }) {
  const site = webAddress(link);
  if (!site) return null;
  const count = (): void => {
    if (from) void sendEvents(currentUser(), from.recommendationId, 'click', [{ pinId: id, position: from.position }]);
  };
  return (
    <a class="button primary" href={site.href} target="_blank" rel="noopener noreferrer nofollow" title={site.href} onClick={count}>
      Visit {site.host}
    </a>
  );
}

/** A catalogue may hold links of any scheme; only addresses of the web are offered. */
function webAddress(link: string | null | undefined): URL | null {
  if (!link || !URL.canParse(link)) return null;
  const address = new URL(link);
  return /^https?:$/.test(address.protocol) ? address : null;
}

function relatedAddress(pinId: string, treatment: string | null): string {
  const forced = treatment ? `&treatment=${encodeURIComponent(treatment)}` : '';
  return `/pins/${encodeURIComponent(pinId)}/related?limit=30&explain=true&fields=${CARD_FIELDS}&userId=${encodeURIComponent(currentUser())}${forced}`;
}

function Related({ pinId, place }: { pinId: string; place: Place }) {
  const left = place.query.get('treatment');
  const right = place.query.get('against');
  const first = useLoaded(relatedAddress(pinId, left), (signal) => call<ListReply>(relatedAddress(pinId, left), { signal }));
  if (right === null)
    return (
      <OneList reply={first} title={left === null ? 'Related pins' : `Related pins by ${left}`} sendsEvents={left === null}>
        <TreatmentPicker place={place} />
      </OneList>
    );
  return (
    <div class="side-by-side">
      <OneList reply={first} title={left ?? 'as served now'} sendsEvents={false}>
        <TreatmentPicker place={place} />
      </OneList>
      <Against pinId={pinId} treatment={right} other={first.kind === 'there' ? first.value.items : []} />
    </div>
  );
}

function Against({ pinId, treatment, other }: { pinId: string; treatment: string; other: readonly Item[] }) {
  const address = relatedAddress(pinId, treatment);
  const reply = useLoaded(address, (signal) => call<ListReply>(address, { signal }));
  const before = useMemo(() => new Map(other.map((item) => [item.pinId, item.position])), [other]);
  return <OneList reply={reply} title={treatment} sendsEvents={false} before={before} />;
}
