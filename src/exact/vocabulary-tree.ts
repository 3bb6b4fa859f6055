/**
 * A vocabulary tree: descriptors go down from node to node, at each to the nearest of its children, and the leaf they come to is their word.
 * Made by k-majority, the k-means of binary descriptors: a center's bits are those of the majority of its members.
 * Source   Nistér and Stewénius, Scalable Recognition with a Vocabulary Tree, CVPR 2006, section 3;
 *          Grana, Borghesani, Manfredi and Cucchiara, A fast approach for integrating ORB descriptors in the bag of words model, 2013.
 */
import { hammingAt } from '../math/bits.ts';
import { type Random, seededRandom } from '../math/random.ts';
import { DESCRIPTOR_WORDS } from './local-features.ts';

const ROUNDS = 6;
const BITS = DESCRIPTOR_WORDS * 32;

/** Nodes in the order they were made; the root is node 0 and has no center. */
export interface VocabularyTree {
  readonly branching: number;
  readonly depth: number;
  /** DESCRIPTOR_WORDS a node. */
  readonly centres: Uint32Array<ArrayBuffer>;
  /** The first child of each node; its siblings follow. 0: a leaf. */
  readonly firstChild: Uint32Array<ArrayBuffer>;
  readonly childCount: Uint8Array<ArrayBuffer>;
  /** The word of each leaf, counted from 0; of other nodes 0. */
  readonly wordOf: Uint32Array<ArrayBuffer>;
  readonly words: number;
}

interface Growing {
  readonly descriptors: Uint32Array;
  readonly branching: number;
  readonly depth: number;
  readonly random: Random;
  readonly centres: number[];
  readonly firstChild: number[];
  readonly childCount: number[];
}

/**
 * Trains a tree. `descriptors`: DESCRIPTOR_WORDS words each. A node with fewer members than children stays a leaf. Same seed, same tree.
 * `told` hears how many descriptors have come to their leaf.
 */
export function trainTree(
  descriptors: Uint32Array,
  options: { readonly branching: number; readonly depth: number; readonly seed: number },
  told: (done: number) => void = () => undefined,
): VocabularyTree {
  const { branching, depth, seed } = options;
  const growing: Growing = {
    descriptors,
    branching,
    depth,
    random: seededRandom(seed),
    centres: new Array<number>(DESCRIPTOR_WORDS).fill(0),
    firstChild: [0],
    childCount: [0],
  };
  const all = Uint32Array.from({ length: descriptors.length / DESCRIPTOR_WORDS }, (_, i) => i);
  let done = 0;
  const waiting: { readonly node: number; readonly level: number; readonly members: Uint32Array }[] = [{ node: 0, level: 0, members: all }];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { node, level, members } = next;
    if (level === depth || members.length < 2 * branching) {
      told((done += members.length));
      continue;
    }
    const children = split(growing, members);
    if (children.length < 2) {
      told((done += members.length));
      continue;
    }
    growing.firstChild[node] = growing.firstChild.length;
    growing.childCount[node] = children.length;
    for (const { centre, members: its } of children) {
      waiting.push({ node: growing.firstChild.length, level: level + 1, members: its });
      for (const word of centre) growing.centres.push(word);
      growing.firstChild.push(0);
      growing.childCount.push(0);
    }
  }
  return frozen(growing);
}

function frozen({ branching, depth, centres, firstChild, childCount }: Growing): VocabularyTree {
  const wordOf = new Uint32Array(firstChild.length);
  let words = 0;
  for (let node = 0; node < firstChild.length; node++) if (firstChild[node] === 0) wordOf[node] = words++;
  return {
    branching,
    depth,
    centres: Uint32Array.from(centres),
    firstChild: Uint32Array.from(firstChild),
    childCount: Uint8Array.from(childCount),
    wordOf,
    words,
  };
}

interface Cluster {
  readonly centre: Uint32Array;
  readonly members: Uint32Array;
}

/** Clusters of at least one member each. */
function split({ descriptors, branching, random }: Growing, members: Uint32Array): Cluster[] {
  const centres = new Uint32Array(branching * DESCRIPTOR_WORDS);
  const chosen = new Set<number>();
  while (chosen.size < branching) chosen.add(random.integer(members.length));
  [...chosen].forEach((member, c) => centres.set(descriptorAt(descriptors, members[member]), c * DESCRIPTOR_WORDS));
  const assigned = new Uint8Array(members.length);
  for (let round = 0; ; round++) {
    let moved = 0;
    for (let i = 0; i < members.length; i++) {
      const c = nearestOf(descriptors, members[i] * DESCRIPTOR_WORDS, centres, 0, branching);
      if (c !== assigned[i]) moved++;
      assigned[i] = c;
    }
    if (round === ROUNDS || (round > 0 && moved === 0)) break;
    takeMajorities(descriptors, members, assigned, centres);
  }
  return Array.from({ length: branching }, (_, c) => ({
    centre: centres.slice(c * DESCRIPTOR_WORDS, (c + 1) * DESCRIPTOR_WORDS),
    members: members.filter((_, i) => assigned[i] === c),
  })).filter((cluster) => cluster.members.length > 0);
}

/** Sets each center to the bits of the majority of its members; one without members stays. */
function takeMajorities(descriptors: Uint32Array, members: Uint32Array, assigned: Uint8Array, centres: Uint32Array): void {
  const count = centres.length / DESCRIPTOR_WORDS;
  const ones = new Uint32Array(count * BITS);
  const sizes = new Uint32Array(count);
  for (let i = 0; i < members.length; i++) {
    const [from, to] = [members[i] * DESCRIPTOR_WORDS, assigned[i] * BITS];
    sizes[assigned[i]]++;
    for (let word = 0; word < DESCRIPTOR_WORDS; word++) {
      const bits = descriptors[from + word];
      for (let bit = 0; bit < 32; bit++) ones[to + 32 * word + bit] += (bits >>> bit) & 1;
    }
  }
  for (let c = 0; c < count; c++) {
    if (sizes[c] === 0) continue;
    for (let word = 0; word < DESCRIPTOR_WORDS; word++) {
      let bits = 0;
      for (let bit = 0; bit < 32; bit++) if (2 * ones[c * BITS + 32 * word + bit] > sizes[c]) bits |= 1 << bit;
      centres[c * DESCRIPTOR_WORDS + word] = bits >>> 0;
    }
  }
}

function descriptorAt(descriptors: Uint32Array, i: number): Uint32Array {
  return descriptors.subarray(i * DESCRIPTOR_WORDS, (i + 1) * DESCRIPTOR_WORDS);
}

/** Which of `count` centers from `first` on is nearest; the first of equals. */
function nearestOf(descriptors: Uint32Array, at: number, centres: Uint32Array, first: number, count: number): number {
  let [nearest, least] = [0, BITS + 1];
  for (let c = 0; c < count; c++) {
    const distance = hammingAt(descriptors, at, centres, (first + c) * DESCRIPTOR_WORDS, DESCRIPTOR_WORDS);
    if (distance < least) [nearest, least] = [c, distance];
  }
  return nearest;
}

/** The word of each descriptor. */
export function wordsIn(tree: VocabularyTree, descriptors: Uint32Array): Uint32Array {
  const { centres, firstChild, childCount, wordOf } = tree;
  const words = new Uint32Array(descriptors.length / DESCRIPTOR_WORDS);
  for (let i = 0; i < words.length; i++) {
    let node = 0;
    while (firstChild[node] !== 0) {
      node = firstChild[node] + nearestOf(descriptors, i * DESCRIPTOR_WORDS, centres, firstChild[node], childCount[node]);
    }
    words[i] = wordOf[node];
  }
  return words;
}
