/** The vocabulary of a catalog on disk: its tree, the inverted file of the pictures it was built with, and how far those go. */
import { join } from 'node:path';
import type { ArtifactFile } from '../catalog/artifacts/artifact-file.ts';
import { ArtifactFolder } from '../catalog/artifacts/artifact-folder.ts';
import { InvertedFile } from './inverted-file.ts';
import type { LocalFeatureStore } from './local-feature-store.ts';
import { RECIPE } from './local-features.ts';
import { type VocabularyTree, wordsIn } from './vocabulary-tree.ts';

const FORMAT = 1;

/** What made it. */
interface VocabularyMetadata {
  readonly recipe: string;
  readonly branching: number;
  readonly depth: number;
  readonly seed: number;
  readonly words: number;
  readonly pictures: number;
  /** Descriptors that the tree learned from. */
  readonly descriptors: number;
  /** Rows of the store up to this write are inside. */
  readonly sequence: number;
  readonly [more: string]: unknown;
}

/** A vocabulary in memory. Its words follow the store. */
export interface Vocabulary {
  readonly tree: VocabularyTree;
  readonly words: InvertedFile;
  sequence: number;
}

export function vocabularyArtifacts(dataFolder: string): ArtifactFolder {
  return new ArtifactFolder(join(dataFolder, 'artifacts'), `vocabulary-${RECIPE}`, FORMAT);
}

/** Writes a vocabulary and makes it the current version. */
export function writeVocabulary(
  dataFolder: string,
  { tree, words, sequence }: Vocabulary,
  about: { seed: number; descriptors: number },
): string {
  const { branching, depth, centres, firstChild, childCount, wordOf } = tree;
  const metadata: VocabularyMetadata = { recipe: RECIPE, branching, depth, words: tree.words, pictures: words.size, sequence, ...about };
  return vocabularyArtifacts(dataFolder).write(metadata, { centres, firstChild, childCount, wordOf, ...words.saved() });
}

/** The current vocabulary of a data folder; null before `build-vocabulary`. @throws ARTIFACT_REFUSED */
export function openVocabulary(dataFolder: string): Vocabulary | null {
  const file = vocabularyArtifacts(dataFolder).open();
  if (file === null) return null;
  try {
    return vocabularyIn(file);
  } finally {
    file.close();
  }
}

function vocabularyIn(file: ArtifactFile): Vocabulary {
  const { branching, depth, words, sequence } = file.about<VocabularyMetadata>();
  const [centres, firstChild, wordOf] = ['centres', 'firstChild', 'wordOf'].map((name) => file.read(name) as Uint32Array<ArrayBuffer>);
  const tree = { branching, depth, centres, firstChild, wordOf, words, childCount: file.read('childCount') as Uint8Array<ArrayBuffer> };
  const saved = {
    weights: file.read('weights') as Float32Array<ArrayBuffer>,
    start: file.read('start') as Uint32Array<ArrayBuffer>,
    slots: file.read('slots') as Uint32Array<ArrayBuffer>,
    counts: file.read('counts') as Uint8Array<ArrayBuffer>,
    pins: file.read('pins') as Uint32Array<ArrayBuffer>,
    sums: file.read('sums') as Float64Array<ArrayBuffer>,
  };
  return { tree, words: InvertedFile.from(saved), sequence };
}

/** Takes in what the store has got since; at most `most` pictures. Returns whether there is more. */
export function followStore(vocabulary: Vocabulary, store: LocalFeatureStore, most = Number.POSITIVE_INFINITY): boolean {
  let taken = 0;
  for (const { pinIndex, features, sequence } of store.changedSince(vocabulary.sequence)) {
    if (taken++ >= most) return true;
    if (features === null) vocabulary.words.delete(pinIndex);
    else vocabulary.words.set(pinIndex, wordsIn(vocabulary.tree, features.descriptors));
    vocabulary.sequence = sequence;
  }
  return false;
}
