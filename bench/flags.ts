/** The flags of a bench, read one way: each is named by its default, whose type it has. A flag that nobody knows is refused. */
import { parseArgs } from 'node:util';

type Flag = number | string | boolean | readonly number[] | readonly string[];

/** A default as it is typed at the call, without its literal. */
type Read<T> = T extends number ? number : T extends string ? string : T extends boolean ? boolean : T;

/**
 * `flagsOf(argv, { pins: 100_000, sizes: [10, 20], photos: [] as string[], parts: false })` reads `--pins N`, `--sizes N,N,...`,
 * `--photos TEXT` (as often as one likes) and `--parts`; camelCase becomes kebab-case.
 * @throws Error of what is wrong, with every flag and its default
 */
export function flagsOf<const T extends Readonly<Record<string, Flag>>>(
  argv: readonly string[],
  defaults: T,
): { [K in keyof T]: Read<T[K]> } {
  const names = Object.keys(defaults);
  const options = Object.fromEntries(
    names.map(
      (name) =>
        [kebab(name), { type: typeof defaults[name] === 'boolean' ? 'boolean' : 'string', multiple: isTexts(defaults[name]) }] as const,
    ),
  );
  try {
    const { values } = parseArgs({ args: [...argv], options });
    const read = names.map((name) => [name, readAs(defaults[name], values[kebab(name)], kebab(name))]);
    return Object.fromEntries(read) as { [K in keyof T]: Read<T[K]> };
  } catch (error) {
    const known = names.map((name) => `  --${kebab(name)}${defaults[name] === false ? '' : ` (${String(defaults[name])})`}`);
    throw new Error([(error as Error).message.split('. ')[0], 'flags and their defaults:', ...known].join('\n'), { cause: 'usage' });
  }
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const isTexts = (fallback: Flag): boolean => Array.isArray(fallback) && typeof fallback[0] !== 'number';

function readAs(fallback: Flag, given: unknown, name: string): unknown {
  if (given === undefined || typeof fallback === 'boolean') return given ?? fallback;
  if (typeof fallback === 'string' || isTexts(fallback)) return given;
  const numbers = (given as string).split(',').map(Number);
  const wrong = given === '' || numbers.some((number) => !Number.isFinite(number)) || (!Array.isArray(fallback) && numbers.length > 1);
  if (wrong) throw new Error(`--${name} takes ${Array.isArray(fallback) ? 'numbers with commas between' : 'a number'}, not '${given}'`);
  return Array.isArray(fallback) ? numbers : numbers[0];
}
