/** One served list of an experiment and what came of it: the row everything is counted from. Whole numbers only. */
export interface ExposedList {
  readonly unit: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Row number in the served-list log: recommendation id, model, sources, positions and propensities are found there. */
  readonly listIndex: number;
  /** Index of the arm; PRE_PERIOD for a list from before the start, which only adjusts. */
  readonly arm: number;
  readonly surface: string;
  readonly category: string;
  /** Bits below. */
  readonly flags: number;
  readonly shown: number;
  readonly impressions: number;
  readonly closeups: number;
  readonly clicks: number;
  readonly longClicks: number;
  readonly saves: number;
  readonly engaged: number;
  /** Items hidden, and not taken back. */
  readonly hides: number;
  /** Items shown to get to know them, and those of them that were clicked or saved. */
  readonly explored: number;
  readonly exploredEngaged: number;
  /** From this list to the first save on it; -1 none. */
  readonly firstSaveSeconds: number;
  readonly latencyMs: number;
  /** Labels of the caller by dimension, as JSON; '' without any. */
  readonly labels: string;
  /** What its events add to the experiment's own metrics, numbers with blanks between them; '' without any. */
  readonly values: string;
}

/** Stands in `arm` for a list served before the start. */
export const PRE_PERIOD = -1;

/** The query had a dominant object when the list was served. */
export const HAS_DOMINANT = 1;
/** Something could not be had when it was served. */
export const IS_DEGRADED = 2;
/** Served by visual search: its impressions and saves have a propensity of their own. */
export const IS_SEARCH = 4;
/** The other arm's list was computed: it would have been the same, or it differs. */
export const WOULD_BE_SAME = 8;
export const WOULD_DIFFER = 16;
/** The model of the arm was not there: the control's served instead. */
export const MODEL_MISSING = 32;

export const DAY_MS = 86_400_000;

/** The UTC day of a time, as a count of days since 1970. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

/** Such a count as a date, YYYY-MM-DD. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
