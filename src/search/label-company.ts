/** Kinds of object that are seen together in one image, from the catalogue's detections: what completes a look. */
export interface LabelCompany {
  /** Images with any object. */
  readonly images: number;
  /** Images that hold the label. */
  readonly counts: ReadonlyMap<string, number>;
  /** Images that hold both, by `pairKey`. */
  readonly together: ReadonlyMap<string, number>;
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a}\n${b}` : `${b}\n${a}`;
}

/** Counts labels and pairs of labels; each image gives the labels it holds, repeats do not count. */
export function countCompany(images: Iterable<{ readonly labels: readonly string[] }>): LabelCompany {
  const counts = new Map<string, number>();
  const together = new Map<string, number>();
  let total = 0;
  const add = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  for (const given of images) {
    const labels = [...new Set(given.labels)].sort();
    if (labels.length > 0) total++;
    for (const [i, label] of labels.entries()) {
      add(counts, label);
      for (const other of labels.slice(i + 1)) add(together, pairKey(label, other));
    }
  }
  return { images: total, counts, together };
}

/** A label that goes with those given, and how much more often than chance (lift, shrunk by `SHRINK` images). */
interface Companion {
  readonly label: string;
  readonly lift: number;
}

const SHRINK = 5;

/**
 * Kinds of object that usually stand beside `labels` and are not among them, best first:
 * lift = mean over given labels of n(a and b) / (n(a) n(b) / images + 5). Only those met more often than chance has it; none for
 * labels that the catalogue never met.
 */
export function companions(labels: readonly string[], company: LabelCompany, limit = 5): readonly Companion[] {
  const given = labels.filter((label) => company.counts.has(label));
  if (given.length === 0) return [];
  const found: Companion[] = [];
  for (const [label, count] of company.counts) {
    if (labels.includes(label)) continue;
    let observed = 0;
    let expected = 0;
    let lift = 0;
    for (const one of given) {
      const both = company.together.get(pairKey(one, label)) ?? 0;
      const chance = ((company.counts.get(one) ?? 0) * count) / company.images;
      observed += both;
      expected += chance;
      lift += both / (chance + SHRINK) / given.length;
    }
    if (observed > expected) found.push({ label, lift });
  }
  return found.sort((a, b) => b.lift - a.lift || (a.label < b.label ? -1 : 1)).slice(0, limit);
}
