import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Browse } from './pages/browse.tsx';
import { Closeup } from './pages/closeup.tsx';
import { Experiments } from './pages/experiments.tsx';
import { HomeFeed } from './pages/home-feed.tsx';
import { Jobs } from './pages/jobs.tsx';
import { Judge } from './pages/judge.tsx';
import { Lens } from './pages/lens.tsx';
import { Empty } from './parts/states.tsx';
import { followLink, go, type Place, usePlace } from './router.ts';
import { chosenUser } from './visitor.ts';

/** The shell: a bar with the ways in, and the page that the address names. */
function App() {
  const place = usePlace();
  useKeyboard();
  return (
    <div onClick={followLink}>
      <Bar place={place} />
      <Page key={place.parts.join('/')} place={place} />
    </div>
  );
}

function Page({ place }: { place: Place }) {
  const [name = '', id = ''] = place.parts;
  if (name === '') return <Browse place={place} />;
  if (name === 'pin') return <Closeup place={place} />;
  if (name === 'home') return <HomeFeed userId={id || ''} />;
  if (name === 'lens') return <Lens />;
  if (name === 'judge') return <Judge study={id} />;
  if (name === 'jobs') return <Jobs />;
  if (name === 'experiments') return <Experiments experimentKey={id} place={place} />;
  return (
    <Empty title="There is no such page">
      <a href="/">Back to the pins</a>
    </Empty>
  );
}

function Bar({ place }: { place: Place }) {
  const search = useRef<HTMLInputElement>(null);
  const name = place.parts[0] ?? '';
  const user = chosenUser();
  const submit = (event: Event): void => {
    event.preventDefault();
    const words = search.current?.value.trim() ?? '';
    go(words ? `/?q=${encodeURIComponent(words)}` : '/');
  };
  const link = (address: string, text: string, page: string) => (
    <a href={address} class={name === page ? 'on' : ''} aria-current={name === page ? 'page' : undefined}>
      {text}
    </a>
  );
  return (
    <header class="bar">
      <a class="brand" href="/">
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
      <nav aria-label="Pages">
        {link('/', 'Explore', '')}
        {link(user ? `/home/${encodeURIComponent(user)}` : '/home', 'Home feed', 'home')}
        {link('/lens', 'Lens', 'lens')}
        {link('/experiments', 'Experiments', 'experiments')}
        {link('/jobs', 'Jobs', 'jobs')}
      </nav>
    </header>
  );
}

/** `/` goes to the search field; the arrows walk from card to card; Escape leaves a field. */
function useKeyboard(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const typing = target.matches('input, textarea, select');
      if (event.key === 'Escape' && typing) target.blur();
      if (event.key === '/' && !typing) {
        event.preventDefault();
        document.getElementById('search')?.focus();
      }
      if (!typing && !target.closest('.crop') && event.key.startsWith('Arrow')) walk(event);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function walk(event: KeyboardEvent): void {
  const from = (event.target as HTMLElement).closest<HTMLElement>('.card-image');
  if (!from) return;
  const cards = [...document.querySelectorAll<HTMLElement>('.card-image')];
  const here = from.getBoundingClientRect();
  const middle = (box: DOMRect): readonly [number, number] => [box.left + box.width / 2, box.top + box.height / 2];
  const [x, y] = middle(here);
  let best: HTMLElement | null = null;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const card of cards) {
    const [cx, cy] = middle(card.getBoundingClientRect());
    const along = { ArrowLeft: x - cx, ArrowRight: cx - x, ArrowUp: y - cy, ArrowDown: cy - y }[event.key] ?? 0;
    const across = event.key === 'ArrowLeft' || event.key === 'ArrowRight' ? Math.abs(cy - y) : Math.abs(cx - x);
    if (along < 8) continue;
    if (along + 2 * across < bestCost) {
      bestCost = along + 2 * across;
      best = card;
    }
  }
  if (!best) return;
  event.preventDefault();
  best.focus();
}

const root = document.getElementById('app');
if (root) render(<App />, root);
