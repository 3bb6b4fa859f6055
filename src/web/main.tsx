import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useKeyboard } from './keyboard.ts';
import { Boards } from './pages/boards.tsx';
import { Browse } from './pages/browse.tsx';
import { Closeup } from './pages/closeup.tsx';
import { Duplicates } from './pages/duplicates.tsx';
import { Experiments } from './pages/experiments.tsx';
import { HomeFeed } from './pages/home-feed.tsx';
import { Jobs } from './pages/jobs.tsx';
import { Judge } from './pages/judge.tsx';
import { Lens } from './pages/lens.tsx';
import { Models } from './pages/models.tsx';
import { Nets } from './pages/nets.tsx';
import { StatusPage } from './pages/status.tsx';
import { Empty } from './parts/states.tsx';
import { followLink, go, type Place, usePlace } from './router.ts';
import { useTitle } from './title.ts';
import { chosenUser } from './visitor.ts';

/** The shell: a bar with the ways in, and the page that the address names. */
function App() {
  const place = usePlace();
  const address = place.parts.join('/');
  const main = useRef<HTMLElement>(null);
  useKeyboard();
  useArrival(main, address);
  const skip = (event: Event): void => {
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <div onClick={followLink}>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Bar place={place} />
      <main id="main" ref={main} tabIndex={-1}>
        <Page key={address} place={place} />
      </main>
    </div>
  );
}

/** Whoever goes by keyboard or by ear starts at the content of a page just opened; the first page leaves focus to the browser. */
function useArrival(main: { readonly current: HTMLElement | null }, address: string): void {
  const before = useRef(address);
  useEffect(() => {
    if (before.current === address) return;
    before.current = address;
    main.current?.focus({ preventScroll: true });
  }, [address]);
}

function Page({ place }: { place: Place }) {
  const [name = '', id = ''] = place.parts;
  if (name === '') return <Browse place={place} />;
  if (name === 'pin') return <Closeup place={place} />;
  if (name === 'boards' || name === 'board') return <Boards boardId={name === 'board' ? id : ''} place={place} />;
  if (name === 'home') return <HomeFeed userId={id || ''} />;
  if (name === 'lens') return <Lens place={place} />;
  if (name === 'judge') return <Judge study={id} />;
  if (name === 'jobs') return <Jobs />;
  if (name === 'status') return <StatusPage />;
  if (name === 'models') return <Models place={place} />;
  if (name === 'nets') return <Nets />;
  if (name === 'duplicates') return <Duplicates place={place} />;
  if (name === 'experiments') return <Experiments experimentKey={id} place={place} />;
  return <NoSuchPage />;
}

function NoSuchPage() {
  useTitle('No such page');
  return (
    <>
      <h1 class="visually-hidden">No such page</h1>
      <Empty title="There is no such page">
        <a href="/">Back to the pins</a>
      </Empty>
    </>
  );
}

function Bar({ place }: { place: Place }) {
  const search = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState(false);
  const address = location.pathname + location.search;
  useEffect(() => setOpen(false), [address]);
  const submit = (event: Event): void => {
    event.preventDefault();
    const words = search.current?.value.trim() ?? '';
    go(words ? `/?q=${encodeURIComponent(words)}` : '/');
  };
  return (
    <header class="bar" onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}>
      <a class="brand" href="/" aria-label="related-pins, to the first page">
        related<span>·</span>pins
      </a>
      <form role="search" onSubmit={submit}>
        <input
          ref={search}
          id="search"
          type="search"
          placeholder="Search pins  ( / )"
          aria-label="Search pins"
          defaultValue={place.query.get('q') ?? ''}
        />
      </form>
      <button type="button" class="menu-button" aria-expanded={open} aria-controls="pages" aria-label="Menu" onClick={() => setOpen(!open)}>
        ☰
      </button>
      <nav id="pages" aria-label="Pages" class={open ? 'open' : ''}>
        <Links place={place} links={forVisitors()} />
        <span class="nav-gap" aria-hidden="true" />
        <Links place={place} links={FOR_OWNERS} />
        <div class="operate">
          <Links place={place} links={FOR_OPERATORS} />
        </div>
      </nav>
    </header>
  );
}

type Link = readonly [href: string, name: string];

function forVisitors(): readonly Link[] {
  const user = chosenUser();
  return [
    ['/', 'Explore'],
    ['/boards', 'Boards'],
    [user ? `/home/${encodeURIComponent(user)}` : '/home', 'Home feed'],
    ['/lens', 'Lens'],
  ];
}

const FOR_OWNERS: readonly Link[] = [
  ['/experiments', 'Experiments'],
  ['/status', 'Status'],
];
const FOR_OPERATORS: readonly Link[] = [
  ['/models', 'Models'],
  ['/nets', 'Nets'],
  ['/jobs', 'Jobs'],
  ['/duplicates', 'Duplicates'],
];

/** Pages that belong under a link of the bar. */
const UNDER: Readonly<Record<string, string>> = { pin: '', board: 'boards', judge: 'experiments' };

function Links({ place, links }: { place: Place; links: readonly (readonly [string, string])[] }) {
  const name = place.parts[0] ?? '';
  const shown = UNDER[name] ?? name;
  return (
    <>
      {links.map(([address, text]) => {
        const isHere = shown === (address.split('/')[1] ?? '');
        return (
          <a key={text} href={address} class={isHere ? 'on' : ''} aria-current={isHere ? 'page' : undefined}>
            {text}
          </a>
        );
      })}
    </>
  );
}

const root = document.getElementById('app');
if (root) render(<App />, root);
