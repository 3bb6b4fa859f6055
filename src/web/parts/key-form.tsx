import { rememberKey } from '../key.ts';

/** Where a visitor types the key that the service asks for; `onKey` then does again what was refused. */
export function KeyForm({ onKey }: { onKey: () => void }) {
  const enter = (event: SubmitEvent): void => {
    event.preventDefault();
    const key = new FormData(event.currentTarget as HTMLFormElement).get('key');
    rememberKey(String(key ?? ''));
    onKey();
  };
  return (
    <form class="row" onSubmit={enter}>
      <input name="key" type="password" placeholder="key" aria-label="Key" autocomplete="off" />
      <button type="submit">Use this key</button>
    </form>
  );
}
