import { useState } from 'preact/hooks';
import { asError, type BoardsPage, type BoardSummary, call, CARD_FIELDS, type Item, type ListReply, type PinsPage } from '../api.ts';
import { useLoaded } from '../load.ts';
import { BoardCard } from '../parts/board-card.tsx';
import { OneList } from '../parts/one-list.tsx';
import { PagedPins } from '../parts/paged-pins.tsx';
import { PinCard } from '../parts/pin-card.tsx';
import { Masonry } from '../parts/masonry.tsx';
import { Empty, Failure, MoreFailed, Skeleton } from '../parts/states.tsx';
import type { Place } from '../router.ts';
import { useTitle } from '../title.ts';
import { currentUser } from '../visitor.ts';
import { counted, nameOf } from '../words.ts';

/** Pins of a board that are shown above more ideas for it; a way leads to the others. */
const PINS_ABOVE = 18;

/** All boards, or one of them. */
export function Boards({ boardId, place }: { boardId: string; place: Place }) {
  return boardId === '' ? <AllBoards /> : <OneBoard boardId={boardId} whole={place.query.has('all')} />;
}

function AllBoards() {
  useTitle('Boards');
  const first = useLoaded('/boards', (signal) => call<BoardsPage>('/boards?limit=60', { signal }));
  const [later, setLater] = useState<readonly BoardsPage[]>([]);
  const [error, setError] = useState<Error | null>(null);
  if (first.kind === 'failed') return <Failure error={first.error} retry={first.retry} />;
  if (first.kind === 'loading') return <Skeleton count={12} />;
  const pages = [first.value, ...later];
  const cursor = pages.at(-1)?.nextCursor ?? null;
  const boards = pages.flatMap((page) => page.boards);
  const more = (): void => {
    setError(null);
    call<BoardsPage>(`/boards?limit=60&cursor=${encodeURIComponent(cursor ?? '')}`)
      .then((page) => setLater((known) => [...known, page]))
      .catch((failure: unknown) => setError(asError(failure)));
  };
  if (boards.length === 0)
    return <Empty title="No boards yet">Subfolders of a folder that is opened become boards; so do imported ones.</Empty>;
  return (
    <>
      <h1>Boards</h1>
      <div class="boards">
        {boards.map((board) => (
          <BoardCard key={board.id} board={board} />
        ))}
      </div>
      {error && <MoreFailed error={error} retry={more} />}
      {cursor && !error && (
        <p class="row">
          <button type="button" onClick={more}>
            More boards
          </button>
        </p>
      )}
    </>
  );
}

/** A board: its pins, then more ideas for it. */
function OneBoard({ boardId, whole }: { boardId: string; whole: boolean }) {
  const path = `/boards/${encodeURIComponent(boardId)}`;
  const board = useLoaded(path, (signal) => call<BoardSummary>(path, { signal }));
  const title = board.kind === 'there' ? board.value.title || boardId : boardId;
  useTitle(title);
  if (board.kind === 'failed') return <Failure error={board.error} retry={board.retry} />;
  const value = board.kind === 'there' ? board.value : null;
  return (
    <>
      <header class="page-head">
        <h1>{title}</h1>
        {value?.description && <p>{value.description}</p>}
        <p class="row wrap">
          {value && <span class="badge">{counted(value.pins, 'pin')}</span>}
          {value?.category && (
            <a class="chip" href={`/?category=${encodeURIComponent(value.category)}`}>
              {value.category}
            </a>
          )}
        </p>
      </header>
      {whole ? (
        <PagedPins address={`${path}/pins?limit=60`} none={<Empty title="Nothing on this board yet" />} />
      ) : (
        <>
          <SomePins path={path} boardId={boardId} total={value?.pins ?? 0} />
          <Ideas path={path} />
        </>
      )}
    </>
  );
}

function SomePins({ path, boardId, total }: { path: string; boardId: string; total: number }) {
  const address = `${path}/pins?limit=${PINS_ABOVE}`;
  const page = useLoaded(address, (signal) => call<PinsPage>(address, { signal }));
  if (page.kind === 'failed') return <Failure error={page.error} retry={page.retry} />;
  if (page.kind === 'loading') return <Skeleton count={12} />;
  if (page.value.pins.length === 0) return <Empty title="Nothing on this board yet" />;
  return (
    <section aria-label="Pins of this board">
      <Masonry minColumnPx={150}>
        {page.value.pins.map((pin) => (
          <PinCard key={pin.id} pinId={pin.id} title={pin.title} href={`/pin/${encodeURIComponent(pin.id)}`} />
        ))}
      </Masonry>
      {total > page.value.pins.length && (
        <p class="row">
          <a class="button" href={`/board/${encodeURIComponent(boardId)}?all=1`}>
            Show all {total}
          </a>
        </p>
      )}
    </section>
  );
}

/** More ideas for a board. Ideas that were not wanted push away what resembles them. */
function Ideas({ path }: { path: string }) {
  const [unliked, setUnliked] = useState<readonly Item[]>([]);
  const asked = new URLSearchParams({ limit: '30', explain: 'true', fields: CARD_FIELDS, userId: currentUser() });
  for (const { pinId } of unliked) asked.append('unlike', pinId);
  const address = `${path}/related?${asked.toString()}`;
  const reply = useLoaded(address, (signal) => call<ListReply>(address, { signal }));
  const takeBack = (item: Item): void => setUnliked((known) => known.filter(({ pinId }) => pinId !== item.pinId));
  return (
    <>
      {unliked.length > 0 && (
        <p class="row wrap unliked">
          Less like
          {unliked.map((item) => (
            <button
              key={item.pinId}
              type="button"
              class="chip on"
              aria-label={`Take back: less like ${nameOf(item)}`}
              onClick={() => takeBack(item)}
            >
              {nameOf(item)} <span aria-hidden="true">×</span>
            </button>
          ))}
        </p>
      )}
      <OneList
        reply={reply}
        title="More ideas for this board"
        sendsEvents
        onUnlike={(item) => setUnliked((known) => [...known, item])}
        nothing="All that goes with these pins is on the board already."
      />
    </>
  );
}
