/**
 * What the trainer asks of graded rows, which may lie here or with many machines. Every answer is a sum over lists, so the answers of
 * parts of the lists make that of all of them.
 */
import type { ColumnStatistics, Normalization } from '../scoring/normalizer.ts';
import { columnsWithEvidence, type PairSpread, pairSpread } from './model-prior.ts';
import { type LossAt, type LossSums, PairLoss } from './pair-loss.ts';
import { countPairs, type PairWeights, type PreferenceLists } from './preference-sums.ts';
import { columnStatistics, designOf, preferencesOf, type RankingData } from './ranking-data.ts';

/** Weights of normalized columns. */
interface At {
  readonly normalizations: readonly Normalization[];
  readonly w: Float64Array;
}

/** `gradient`: loss, gradient and curvature at w. `spread`: of the scores over preference pairs. */
export type Question = { readonly kind: 'facts' } | ({ readonly kind: 'gradient' } & At) | ({ readonly kind: 'spread' } & At);

/** What is known of rows before any weight. */
export interface RowFacts {
  readonly statistics: readonly ColumnStatistics[];
  /** Per column 1 where it differs within a list that holds a preference. */
  readonly evidence: Uint8Array;
  readonly pairs: number;
}

export type Answer = RowFacts | LossAt | PairSpread;

/** Rows that lie here. */
export class RowsHere {
  private readonly data: RankingData;
  private readonly weights: PairWeights | undefined;
  private readonly lists: PreferenceLists;
  private loss: { readonly normalizations: readonly Normalization[]; readonly of: PairLoss } | null = null;

  constructor(data: RankingData, weights?: PairWeights) {
    this.data = data;
    this.weights = weights;
    this.lists = preferencesOf(data);
  }

  answer(question: Question): Answer {
    if (question.kind === 'facts') return this.facts();
    return question.kind === 'gradient' ? this.lossOf(question).at(question.w) : this.spread(question);
  }

  facts(): RowFacts {
    const { data, lists } = this;
    return { statistics: columnStatistics(data), evidence: columnsWithEvidence(data, lists), pairs: countPairs(lists) };
  }

  /** What these lists add to loss, gradient and curvature. */
  sums(at: At): LossSums {
    return this.lossOf(at).sumsAt(at.w);
  }

  spread({ normalizations, w }: At): PairSpread {
    const design = designOf(this.data, normalizations);
    const scores = new Float64Array(design.rows);
    design.times(w, scores);
    return pairSpread(scores, this.lists);
  }

  private lossOf({ normalizations }: At): PairLoss {
    if (this.loss?.normalizations !== normalizations)
      this.loss = { normalizations, of: new PairLoss(designOf(this.data, normalizations), this.lists, this.weights) };
    return this.loss.of;
  }
}
