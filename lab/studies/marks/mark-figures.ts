/** Detection of marks at a fitted rate of false accepts: the threshold is fitted on one half of the photos and judged on the other. */
import { type Share, wilson } from '../exact/exact-figures.ts';

/** A photo with a logo pasted in, asked for one half of the logos, and what each way makes of it. */
export interface JudgedScene {
  /** The label that is right; null where the logo is of the other half. */
  readonly truth: string | null;
  readonly isName: boolean;
  /** Without its ground. */
  readonly isCutOut: boolean;
  /** Longer side of the logo in shares of the photo's. */
  readonly share: number;
  /** Longer side of the photo, in pixels. */
  readonly side: number;
  /** Seen when the threshold is fitted. */
  readonly fits: boolean;
  readonly answers: Readonly<Record<Way, Answer>>;
}

/** The surest label; -1 without any. */
export interface Answer {
  readonly label: string | null;
  readonly sureness: number;
  /** Overlap of its box with the pasted logo, 0 to 1. */
  readonly overlap: number;
}

export const WAYS = ['verified', 'codes'] as const;
export type Way = (typeof WAYS)[number];

/** Share of photos without a taught mark that may get a label. */
const FALSE_ACCEPTS = 0.01;

interface WayFigures {
  readonly threshold: number;
  /** Of the photos that fitted it. */
  readonly fitted: Share | null;
  /** Of the others. */
  readonly falseAccepts: Share | null;
  /** Right label among taught marks, at the threshold. */
  readonly detected: Share | null;
  /** A wrong label among taught marks, at the threshold. */
  readonly confused: Share | null;
  /** Right label without any threshold: then every logo that nobody taught gets a label. */
  readonly closedSet: Share | null;
}

export function figuresOf(scenes: readonly JudgedScene[]) {
  const groups: [string, (scene: JudgedScene) => boolean][] = [
    ['all', () => true],
    ['names', ({ isName }) => isName],
    ['pictures', ({ isName }) => !isName],
    ['on their ground', ({ isCutOut }) => !isCutOut],
    ['cut out', ({ isCutOut }) => isCutOut],
    ['8 to 15 % of the side', ({ share }) => share < 0.15],
    ['15 to 30 % of the side', ({ share }) => share >= 0.15],
    ['photos below 320 pixels', ({ side }) => side < 320],
    ['larger photos', ({ side }) => side >= 320],
  ];
  const thresholds = Object.fromEntries(WAYS.map((way) => [way, fittedThreshold(scenes, way)])) as Record<Way, number>;
  return groups.map(([group, test]) => ({ group, ...byWay((way) => figures(scenes.filter(test), way, thresholds[way])) }));
}

/** What each threshold of sureness gives on all photos: photos without a taught mark that get a label, and marks that get the right one. */
export function curveOf(scenes: readonly JudgedScene[]) {
  const reaches = (threshold: number) => (scene: JudgedScene) => scene.answers.verified.sureness >= threshold;
  const [taught, unknown] = [scenes.filter(({ truth }) => truth !== null), scenes.filter(({ truth }) => truth === null)];
  return [2, 2.5, 3, 3.5, 4, 5, 6, 8].map((threshold) => ({
    threshold,
    falseAccepts: shareOf(unknown, reaches(threshold)),
    detected: shareOf(taught, (scene) => reaches(threshold)(scene) && scene.answers.verified.label === scene.truth),
  }));
}

function byWay(of: (way: Way) => WayFigures): Readonly<Record<Way, WayFigures>> {
  return { verified: of('verified'), codes: of('codes') };
}

/** The least threshold that keeps to the rate among the photos that fit it. */
function fittedThreshold(scenes: readonly JudgedScene[], way: Way): number {
  const unknown = scenes.filter(({ truth, fits }) => truth === null && fits).map(({ answers }) => answers[way].sureness);
  const allowed = Math.floor(FALSE_ACCEPTS * unknown.length);
  const ordered = unknown.sort((a, b) => b - a);
  return Math.max(0, ordered[allowed] ?? 0) + 1e-9;
}

function figures(scenes: readonly JudgedScene[], way: Way, threshold: number): WayFigures {
  const isAccepted = ({ answers }: JudgedScene): boolean => answers[way].sureness >= threshold;
  const isRight = ({ answers, truth }: JudgedScene): boolean => answers[way].label === truth;
  const judged = scenes.filter(({ fits }) => !fits);
  const [taught, unknown] = [judged.filter(({ truth }) => truth !== null), judged.filter(({ truth }) => truth === null)];
  const fitting = scenes.filter(({ fits, truth }) => fits && truth === null);
  return {
    threshold,
    fitted: shareOf(fitting, isAccepted),
    falseAccepts: shareOf(unknown, isAccepted),
    detected: shareOf(taught, (scene) => isAccepted(scene) && isRight(scene)),
    confused: shareOf(taught, (scene) => isAccepted(scene) && !isRight(scene)),
    closedSet: shareOf(taught, isRight),
  };
}

function shareOf(scenes: readonly JudgedScene[], test: (scene: JudgedScene) => boolean): Share | null {
  return scenes.length === 0 ? null : wilson(scenes.filter(test).length, scenes.length);
}
