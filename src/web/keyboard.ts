import { useEffect } from 'preact/hooks';

/** Whether a key press is a command to the page: not text for a field, and not the browser's own (Alt+Left goes back). */
export function isCommand(event: KeyboardEvent): boolean {
  return !isTyping(event) && !event.altKey && !event.ctrlKey && !event.metaKey;
}

function isTyping({ target }: Event): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
}

/** `/` goes to the search field; the arrows walk from card to card; Escape leaves a field. */
export function useKeyboard(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.key === 'Escape' && isTyping(event)) target.blur();
      if (!isCommand(event)) return;
      if (event.key === '/') {
        event.preventDefault();
        document.getElementById('search')?.focus();
      }
      if (!target.closest('.crop') && event.key.startsWith('Arrow')) walk(event);
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
