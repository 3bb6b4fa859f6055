import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { asError, wantsKey } from '../api.ts';
import { KeyForm } from './key-form.tsx';

/** Something that was asked for and did not happen, and how to ask again. */
export interface Refused {
  readonly error: Error;
  readonly again: () => void;
}

/** Does what a visitor asks for; what was refused stays said until something is done. */
export function useAttempt(): readonly [Refused | null, (work: () => Promise<unknown>) => void] {
  const [refused, setRefused] = useState<Refused | null>(null);
  const attempt = (work: () => Promise<unknown>): void => {
    work().then(
      () => setRefused(null),
      (thrown: unknown) => setRefused({ error: asError(thrown), again: () => attempt(work) }),
    );
  };
  return [refused, attempt];
}

/** What was refused, in a line near the control that asked for it; with the form for a key where one is missing. */
export function Refusal({ error, again, children }: Refused & { children?: ComponentChildren }) {
  return (
    <div class="refusal" role="alert">
      <p class="badge warn">{children ?? error.message}</p>
      {wantsKey(error) && <KeyForm onKey={again} />}
    </div>
  );
}
