/** Where a candidate came from, in words a visitor understands; the technical name is the tooltip. */
const WORDS: Readonly<Record<string, readonly [string, string]>> = {
  'board-cooccurrence': ['boards', 'saved together on boards'],
  'visual-neighbors': ['look', 'looks alike'],
  annotations: ['words', 'shares annotations'],
  'popular-in-category': ['popular', 'popular in its category'],
  'remembered-winners': ['winner', 'people chose it here before'],
  vectors: ['vectors', 'like it by imported vectors'],
  'home-history': ['history', 'from what this user saved and opened'],
  flashlight: ['look', 'looks alike'],
  'visual-search': ['look', 'looks alike'],
  'annotation-search': ['words', 'matches in meaning'],
  exploration: ['new', 'hardly seen so far: shown to get to know it'],
  'object-search': ['scene', 'a scene that holds the object'],
};

export function SourceBadge({ name, score }: { name: string; score?: number }) {
  // A set of imported vectors is a source of its own: vectors-NAME.
  const [word, meaning] = WORDS[name] ?? WORDS[name.split('-')[0]] ?? [name, name];
  const number = score === undefined ? '' : `, ${score.toPrecision(3)}`;
  return (
    <span class={`badge source-${word}`} title={`${meaning} (${name}${number})`}>
      {word}
    </span>
  );
}
