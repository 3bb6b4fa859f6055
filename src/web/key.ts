import { useEffect, useState } from 'preact/hooks';

/** The key a visitor typed in when the service asked for one; kept for this browser tab only. */
const NAME = 'related-pins-key';

const listeners = new Set<() => void>();

export function rememberKey(key: string): void {
  sessionStorage.setItem(NAME, key.trim());
  for (const listener of [...listeners]) listener();
}

export function rememberedKey(): string | null {
  return sessionStorage.getItem(NAME) || null;
}

/** Calls back whenever a key is typed in, until what it returns is called. */
export function onKey(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function useKey(): string | null {
  const [key, setKey] = useState(rememberedKey);
  useEffect(() => onKey(() => setKey(rememberedKey())), []);
  return key;
}
