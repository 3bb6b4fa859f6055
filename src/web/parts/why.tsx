import { useEffect, useRef, useState } from 'preact/hooks';
import type { Item, Term } from '../api.ts';
import { nameOf, titleOf } from '../words.ts';
import { PinImage } from './pin-image.tsx';
import { SourceBadge } from './source-badge.tsx';

const digits = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(3));

/**
 * The terms of a score as bars that add up to it, or of its difference to the next item. It takes the focus when it opens,
 * and Escape closes it; who opened it gives the focus back.
 */
export function Why({ item, next, onClose }: { item: Item; next: Item | null; onClose: () => void }) {
  const panel = useRef<HTMLElement>(null);
  const [compares, setCompares] = useState(false);
  const against = compares ? next : null;
  useEffect(() => {
    if (!panel.current) return;
    panel.current.focus({ preventScroll: true });
    // In a narrow window it does not stick to the window's top, and may lie far above the button that opened it.
    if (getComputedStyle(panel.current).position !== 'sticky') panel.current.scrollIntoView({ block: 'start' });
  }, [item]);
  return (
    <section
      class="why"
      ref={panel}
      tabIndex={-1}
      aria-label={against ? 'Why above the next one' : 'Why this pin'}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <header class="row">
        <h3>{against ? `Why above #${against.position}` : `Why #${item.position}`}</h3>
        {next && (
          <button type="button" class={compares ? 'on' : ''} aria-pressed={compares} onClick={() => setCompares(!compares)}>
            against the next one
          </button>
        )}
        <button type="button" class="quiet close" onClick={onClose} aria-label="Close">
          ✕
        </button>
      </header>
      <div class="why-body">
        <div class="why-pictures">
          <Pictured item={item} />
          {against && <Pictured item={against} />}
        </div>
        <div>
          {!against && (
            <p class="row wrap">
              {item.sources.map((source) => (
                <SourceBadge key={source.name} name={source.name} score={source.score} />
              ))}
            </p>
          )}
          {!against && item.placed && <p class="placed">{placedText(item.position, item.placed)}</p>}
          <Terms item={item} against={against} />
        </div>
      </div>
    </section>
  );
}

const TERMS_SHOWN = 12;

/** The heaviest terms as bars, the others as one, and their sum. */
function Terms({ item, against }: { item: Item; against: Item | null }) {
  const terms = against ? difference(item, against) : (item.terms ?? []);
  const total = against ? item.score - against.score : item.score;
  const sorted = [...terms].filter((term) => term.contribution !== 0).sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const widest = Math.max(1e-12, ...sorted.map((term) => Math.abs(term.contribution)));
  const shown = sorted.slice(0, TERMS_SHOWN);
  const rest = sorted.slice(TERMS_SHOWN).reduce((sum, term) => sum + term.contribution, 0);
  return (
    <>
      <div class="terms">
        {shown.map((term) => (
          <TermBar key={term.feature} term={term} widest={widest} />
        ))}
        {rest !== 0 && (
          <TermBar
            term={{
              feature: `${sorted.length - TERMS_SHOWN} more`,
              value: Number.NaN,
              weight: Number.NaN,
              contribution: rest,
            }}
            widest={widest}
          />
        )}
      </div>
      <p class="sum">
        <span>{against ? 'difference of scores' : 'score'}</span>
        <b>{digits(total)}</b>
      </p>
    </>
  );
}

/** "placed 6 instead of 3: like no. 2". */
function placedText(position: number, { instead, like, limit }: NonNullable<Item['placed']>): string {
  const moved = `placed ${position} instead of ${instead}`;
  if (limit) return `${moved}: enough of its ${limit} stood there`;
  return like ? `${moved}: like no. ${like.position}` : moved;
}

function Pictured({ item }: { item: Item }) {
  return (
    <figure>
      <PinImage pinId={item.pinId} widthPx={320} alt={nameOf(item)} />
      <figcaption>
        #{item.position} {titleOf(item)}
      </figcaption>
    </figure>
  );
}

function TermBar({ term, widest }: { term: Term; widest: number }) {
  const share = (Math.abs(term.contribution) / widest) * 50;
  const style = term.contribution >= 0 ? { left: '50%', width: `${share}%` } : { right: '50%', width: `${share}%` };
  const title = Number.isNaN(term.value) ? '' : `value ${digits(term.value)}, weight ${digits(term.weight)}`;
  return (
    <div class="term" title={title}>
      <span class="term-name">{term.feature}</span>
      <span class="term-track">
        <span class={`term-bar ${term.contribution >= 0 ? 'plus' : 'minus'}`} style={style} />
      </span>
      <span class="term-value">{digits(term.contribution)}</span>
    </div>
  );
}

function difference(item: Item, other: Item): Term[] {
  const theirs = new Map((other.terms ?? []).map((term) => [term.feature, term]));
  return (item.terms ?? []).map((term) => {
    const their = theirs.get(term.feature);
    return {
      ...term,
      value: term.value - (their?.value ?? 0),
      contribution: term.contribution - (their?.contribution ?? 0),
    };
  });
}
