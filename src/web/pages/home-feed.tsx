import { useEffect, useState } from 'preact/hooks';
import type { HistoryReply, UsersReply } from '../../api/routes/users.ts';
import { call, CARD_FIELDS, type ListReply } from '../api.ts';
import { useLoaded } from '../load.ts';
import { PinCard } from '../parts/pin-card.tsx';
import { RankedList } from '../parts/ranked-list.tsx';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';
import { go } from '../router.ts';
import { useTitle } from '../title.ts';
import { chosenUser, chooseUser } from '../visitor.ts';
import { ago } from '../words.ts';

/** The home feed of a chosen user beside what that user saved and opened, so that one can judge the one by the other. */
export function HomeFeed({ userId }: { userId: string }) {
  return userId === '' ? <ChooseUser /> : <FeedOf userId={userId} />;
}

function FeedOf({ userId }: { userId: string }) {
  useTitle(`Home feed of ${userId}`);
  const [isMe, setIsMe] = useState(chosenUser() === userId);
  const base = `/users/${encodeURIComponent(userId)}`;
  const feed = useLoaded(`${base}/home-feed`, (signal) =>
    call<ListReply>(`${base}/home-feed?limit=40&explain=true&fields=${CARD_FIELDS}`, { signal }),
  );
  const history = useLoaded(`${base}/history`, (signal) => call<HistoryReply>(`${base}/history?limit=24`, { signal }));
  return (
    <>
      <header class="row wrap page-head">
        <h1>Home feed of {userId}</h1>
        <div class="row wrap">
          <button
            type="button"
            class={isMe ? 'on' : ''}
            aria-pressed={isMe}
            onClick={() => {
              chooseUser(isMe ? null : userId);
              setIsMe(!isMe);
            }}
          >
            {isMe ? 'Stop browsing as this user' : 'Browse as this user'}
          </button>
          <a class="button" href="/home">
            Other users
          </a>
        </div>
      </header>
      <section aria-label="History">
        <h2>Lately saved and opened</h2>
        {history.kind === 'loading' && <Skeleton count={6} />}
        {history.kind === 'failed' && <Failure error={history.error} retry={history.retry} />}
        {history.kind === 'there' && history.value.history.length === 0 && (
          <Empty title="No history">This user has saved and opened nothing yet; the feed falls back to what is popular.</Empty>
        )}
        {history.kind === 'there' && <History rows={history.value.history} />}
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

function History({ rows }: { rows: HistoryReply['history'] }) {
  return (
    <div class="strip">
      {rows.map((row, index) => (
        <PinCard key={`${row.pinId}-${index}`} pinId={row.pinId} title={row.title} href={`/pin/${encodeURIComponent(row.pinId)}`}>
          <small>
            {DONE[row.type] ?? row.type}
            {typeof row.at === 'number' && <span class="block">{ago(row.at)}</span>}
          </small>
        </PinCard>
      ))}
    </div>
  );
}

/** Milliseconds without a key press after which the list is asked for. */
const TYPING_MS = 200;

/** Who is there: the latest first, and users whose id holds what is typed. */
function ChooseUser() {
  useTitle('Home feed');
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const address = `/users?limit=50${asked ? `&q=${encodeURIComponent(asked)}` : ''}`;
  const users = useLoaded(address, (signal) => call<UsersReply>(address, { signal }));
  const rows = users.kind === 'there' ? users.value.users : users.kind === 'loading' ? (users.previous?.users ?? null) : null;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (typed.trim()) go(`/home/${encodeURIComponent(typed.trim())}`);
  };
  return (
    <div class="narrow-page">
      <h1>Whose home feed?</h1>
      <form class="row" onSubmit={submit}>
        <input
          type="search"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          placeholder="Find a user by id"
          aria-label="User id"
        />
        <button type="submit">Open</button>
      </form>
      {users.kind === 'failed' && <Failure error={users.error} retry={users.retry} />}
      {rows?.length === 0 && asked !== '' && (
        <p class="hint">No user's id holds "{asked}". Open shows what a new user of this id would see.</p>
      )}
      {rows?.length === 0 && asked === '' && (
        <Empty title="Nobody has saved anything yet">
          Users come with saves (<code>import-catalog</code>, <code>POST /v1/saves</code>) and with events that name a <code>userId</code>.
          Until then <a href="/home/new-visitor">a new visitor</a> gets what is popular.
        </Empty>
      )}
      {rows && rows.length > 0 && <UserTable users={rows} />}
    </div>
  );
}

function UserTable({ users }: { users: UsersReply['users'] }) {
  return (
    <section class="panel" aria-label="Users">
      <table>
        <thead>
          <tr>
            <th>User</th>
            <th class="number">Saves</th>
            <th>Last seen</th>
          </tr>
        </thead>
        <tbody>
          {users.map(({ id, saves, lastAt }) => (
            <tr key={id}>
              <td class="wrap-anywhere">
                <a href={`/home/${encodeURIComponent(id)}`}>{id}</a>
              </td>
              <td class="number">{saves.toLocaleString('en')}</td>
              <td>{lastAt === null ? '' : ago(lastAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">Those who did something last come first.</p>
    </section>
  );
}

/** What somebody did with a pin, for people. */
const DONE: Readonly<Record<string, string>> = {
  save: 'saved',
  closeup: 'opened',
  click: 'visited',
  longClick: 'stayed at its site',
  hide: 'hidden',
  unhide: 'shown again',
};
