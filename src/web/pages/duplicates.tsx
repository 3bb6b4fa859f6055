import { useState } from 'preact/hooks';
import type { NearDuplicates } from '../../api/routes/near-duplicates.ts';
import { call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { go, type Place, withQuery } from '../router.ts';
import { useTitle } from '../title.ts';

/** null takes back what was said. */
type Say = (pinIds: readonly string[], same: boolean | null) => void;

type Member = NearDuplicates['groups'][number]['pins'][number];

/** Groups side by side: what counts as one picture, and what nearly does; a person parts or unites them. */
export function Duplicates({ place }: { readonly place: Place }) {
  useTitle('Duplicates');
  const cursor = place.query.get('cursor') ?? '0';
  const [round, setRound] = useState(0);
  const loaded = useLoaded(`duplicates ${cursor} ${round}`, (signal) =>
    call<NearDuplicates>(`/near-duplicates?limit=12&cursor=${cursor}`, { signal }),
  );
  const [refused, attempt] = useAttempt();
  const say: Say = (pinIds, same) => {
    attempt(async () => {
      await post('/near-duplicates', { pinIds, same });
      setRound((count) => count + 1);
    });
  };
  const view = loaded.kind === 'there' ? loaded.value : loaded.kind === 'loading' ? loaded.previous : null;
  if (loaded.kind === 'failed') return <Failure error={loaded.error} retry={loaded.retry} />;
  if (!view) return <Skeleton count={4} />;
  return (
    <div class="duplicates">
      <h1>Duplicates</h1>
      <p>
        Pins of a group count as one picture: a list shows one of them. What is nearly the same is shown beside it and never united by
        itself.
      </p>
      {refused && <Refusal {...refused} />}
      {view.groups.length === 0 && <p class="panel">No two pins show the same picture.</p>}
      {view.groups.map((group) => (
        <GroupRow key={group.pins[0].id} group={group} say={say} />
      ))}
      <p>
        {cursor !== '0' && (
          <button type="button" onClick={() => go(withQuery(place, { cursor: null }))}>
            First page
          </button>
        )}
        {view.nextCursor !== null && (
          <button type="button" onClick={() => go(withQuery(place, { cursor: view.nextCursor }))}>
            Next groups
          </button>
        )}
      </p>
      {view.judged.length > 0 && <Judged judged={view.judged} say={say} />}
    </div>
  );
}

function GroupRow({ group, say }: { readonly group: NearDuplicates['groups'][number]; readonly say: Say }) {
  const [first, ...others] = group.pins;
  return (
    <section class="panel duplicate-group" aria-label={`Group of ${first.title || first.id}`}>
      <div class="row">
        <h2>{group.pins.length} pins, one picture</h2>
        <button
          type="button"
          onClick={() =>
            say(
              group.pins.map(({ id }) => id),
              false,
            )
          }
        >
          Part them all
        </button>
      </div>
      <ul class="duplicate-row">
        <Picture pin={first} />
        {others.map((pin) => (
          <Picture key={pin.id} pin={pin} action="Not the same" act={() => say([first.id, pin.id], false)} />
        ))}
      </ul>
      {group.nearly.length > 0 && (
        <>
          <h3>Nearly the same</h3>
          <ul class="duplicate-row">
            {group.nearly.map((pin) => (
              <Picture key={pin.id} pin={pin} action="The same" act={() => say([first.id, pin.id], true)} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** What people said, the latest first; each pair can be taken back. */
function Judged({ judged, say }: { readonly judged: NearDuplicates['judged']; readonly say: Say }) {
  return (
    <section class="panel" aria-label="What was said">
      <h2>What was said</h2>
      <ul class="duplicate-row">
        {[...judged].reverse().map(({ pinIds, same }) => (
          <li key={pinIds.join(' ')} class="duplicate-pair">
            <span class="row">
              {pinIds.map((pinId) => (
                <a key={pinId} href={`/pin/${encodeURIComponent(pinId)}`}>
                  <img src={`/v1/pins/${encodeURIComponent(pinId)}/image?width=64`} alt={pinId} width="64" loading="lazy" />
                </a>
              ))}
            </span>
            <span>{same ? 'the same picture' : 'not the same'}</span>
            <button type="button" onClick={() => say(pinIds, null)} aria-label={`Take back: ${pinIds.join(' and ')}`}>
              Take back
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface PictureProps {
  readonly pin: Member & { readonly likeness?: number };
  readonly action?: string;
  readonly act?: () => void;
}

function Picture({ pin, action, act }: PictureProps) {
  const name = pin.title || pin.id;
  return (
    <li>
      <a href={`/pin/${encodeURIComponent(pin.id)}`}>
        <img src={`/v1/pins/${encodeURIComponent(pin.id)}/image?width=192`} alt={name} width="160" loading="lazy" />
      </a>
      <span>
        {name}
        {pin.likeness !== undefined && `, likeness ${pin.likeness.toFixed(3)}`}
      </span>
      {action && (
        <button type="button" onClick={act} aria-label={`${action}: ${name}`}>
          {action}
        </button>
      )}
    </li>
  );
}
