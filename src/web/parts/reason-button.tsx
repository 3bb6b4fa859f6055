import { useState } from 'preact/hooks';

/** A decision that asks for a reason before it is made: the button opens a line with a field, the second one decides. */
export function ReasonButton({
  text,
  asks,
  primary = false,
  required = false,
  onDecide,
}: {
  text: string;
  /** What stands before the field. */
  asks: string;
  primary?: boolean;
  required?: boolean;
  onDecide: (why: string) => void;
}) {
  const [open, setOpen] = useState(false);
  const [why, setWhy] = useState('');
  if (!open)
    return (
      <button type="button" class={primary ? 'primary' : ''} onClick={() => setOpen(true)}>
        {text}
      </button>
    );
  return (
    <form
      class="row wrap reason"
      onSubmit={(event) => {
        event.preventDefault();
        setOpen(false);
        onDecide(why.trim());
      }}
      onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}
    >
      <label>
        {asks}{' '}
        <input
          ref={(field) => field?.focus()}
          value={why}
          required={required}
          maxLength={1000}
          placeholder="reason"
          onInput={(event) => setWhy(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="sure">
        {text}
      </button>
      <button type="button" onClick={() => setOpen(false)}>
        cancel
      </button>
    </form>
  );
}
