import { useState } from 'preact/hooks';
import type { HistoryReply, UsersReply } from '../../api/routes/users.ts';
import { call, type ListReply, type PinSummary } from '../api.ts';
import { useLoaded } from '../load.ts';
import { PinCard } from '../parts/pin-card.tsx';
import { RankedList } from '../parts/ranked-list.tsx';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';
import { go } from '../router.ts';
import { useTitle } from '../title.ts';
import { chosenUser, chooseUser } from '../visitor.ts';

/** The home feed of a chosen user beside what that user saved and opened, so that one can judge the one by the other. */
export function HomeFeed({ userId }: { userId: string }) {
  return userId === '' ? <ChooseUser /> : <FeedOf userId={userId} />;
}

function FeedOf({ userId }: { userId: string }) {
  useTitle(`Home feed of ${userId}`);
  const base = `/users/${encodeURIComponent(userId)}`;
  const feed = useLoaded(`${base}/home-feed`, (signal) => call<ListReply>(`${base}/home-feed?limit=40&explain=true`, { signal }));
  const history = useLoaded(`${base}/history`, (signal) => call<HistoryReply>(`${base}/history?limit=24`, { signal }));
  return (
    <>
      <header class="row wrap page-head">
        <h1>Home feed of {userId}</h1>
        <button
          type="button"
          onClick={() => {
            chooseUser(chosenUser() === userId ? null : userId);
            go('/home');
          }}
        >
          {chosenUser() === userId ? 'Stop browsing as this user' : 'Choose another'}
        </button>
      </header>
      <section aria-label="History">
        <h2>Lately saved and opened</h2>
        {history.kind === 'loading' && <Skeleton count={6} />}
        {history.kind === 'failed' && <Failure error={history.error} retry={history.retry} />}
        {history.kind === 'there' && history.value.history.length === 0 && (
          <Empty title="No history">This user has saved and opened nothing yet; the feed falls back to what is popular.</Empty>
        )}
        {history.kind === 'there' && (
          <div class="strip">
            {history.value.history.map((row, index) => (
              <PinCard key={`${row.pinId}-${index}`} pinId={row.pinId} title={row.title} href={`/pin/${encodeURIComponent(row.pinId)}`}>
                <span class="badge">{row.type}</span>
              </PinCard>
            ))}
          </div>
        )}
      </section>
      <section aria-label="Feed">
        <h2>What to see next</h2>
        {feed.kind === 'loading' && <Skeleton count={12} />}
        {feed.kind === 'failed' && <Failure error={feed.error} retry={feed.retry} />}
        {feed.kind === 'there' && feed.value.items.length === 0 && (
          <Empty title="Nothing to show yet">Nothing this user saved or opened leads to another pin, and nothing is popular yet.</Empty>
        )}
        {feed.kind === 'there' && feed.value.items.length > 0 && <RankedList list={feed.value} sendsEvents />}
      </section>
    </>
  );
}

function ChooseUser() {
  useTitle('Home feed');
  const [typed, setTyped] = useState('');
  const users = useLoaded('users', (signal) => call<UsersReply>('/users?limit=60', { signal }));
  const open = (id: string): void => {
    chooseUser(id);
    go(`/home/${encodeURIComponent(id)}`);
  };
  return (
    <>
      <h1>Whose home feed?</h1>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed) open(typed);
        }}
      >
        <input value={typed} onInput={(event) => setTyped(event.currentTarget.value)} placeholder="user id" aria-label="User id" />
        <button type="submit">Open</button>
      </form>
      {users.kind === 'failed' && <Failure error={users.error} retry={users.retry} />}
      {users.kind === 'there' && (
        <div class="row wrap">
          {users.value.users.map((user: PinSummary | { id: string; saves?: number }) => (
            <button type="button" class="chip" key={user.id} onClick={() => open(user.id)}>
              {user.id} {user.saves !== undefined && <small>{user.saves}</small>}
            </button>
          ))}
        </div>
      )}
    </>
  );
}
