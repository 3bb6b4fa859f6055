import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/math/random.ts';
import { linearRanker, type ModelFeature } from '../../src/ranker/scoring/linear-model.ts';
import { exportModel, importModel } from '../../src/ranker/exchange/model-exchange.ts';

const random = seededRandom(4);
const features: readonly ModelFeature[] = ['a', 'b', 'c', 'd'].map((name, at) => ({
  name,
  weight: random.normal(),
  normalization:
    at === 0
      ? { kind: 'none' }
      : at === 1
        ? { kind: 'min-max', min: random.next(), max: 1 + random.next() }
        : { kind: 'standard', mean: random.next(), deviation: 0.1 + random.next() },
}));
const rows = {
  rows: 200,
  columns: 4,
  names: ['d', 'c', 'b', 'a'],
  data: Float32Array.from({ length: 800 }, () => random.next()),
};

const through = (format: 'json' | 'solr' | 'opensearch'): readonly ModelFeature[] =>
  importModel(JSON.parse(JSON.stringify(exportModel('m', features, format))), 'm');

describe('model exchange', () => {
  it.each(['json', 'solr', 'opensearch'] as const)('%s: exported and imported again scores to the last bit', (format) => {
    expect([...linearRanker('m', through(format)).score({ rows })]).toEqual([...linearRanker('m', features).score({ rows })]);
  });

  it("Solr's own arithmetic gives the same order", () => {
    const { model } = exportModel('m', features, 'solr') as { model: SolrModel };
    const replayed = Array.from({ length: 200 }, (_, row) => solrScore(model, row));
    const ours = linearRanker('m', features).score({ rows });
    const order = (scores: ArrayLike<number>): number[] => Array.from({ length: 200 }, (_, at) => at).sort((x, y) => scores[y] - scores[x]);
    expect(order(replayed)).toEqual(order(ours));
  });

  it('refuses by name what those engines do not know', () => {
    const bent: ModelFeature[] = [{ name: 'saves', weight: 1, normalization: { kind: 'log1p' } }];
    expect(() => exportModel('m', bent, 'solr')).toThrow('the log1p normalization of "saves" cannot be carried over to solr');
    expect(() => exportModel('m', bent, 'opensearch')).toThrow('opensearch');
  });

  it.each([
    ['another class', { class: 'org.apache.solr.ltr.model.MultipleAdditiveTreesModel' }, 'not a LinearModel'],
    [
      'a missing weight',
      { class: 'org.apache.solr.ltr.model.LinearModel', features: [{ name: 'a' }], params: { weights: {} } },
      '"a" has no weight',
    ],
    [
      'an unlisted weight',
      { class: 'org.apache.solr.ltr.model.LinearModel', features: [], params: { weights: { b: 1 } } },
      'weight for "b"',
    ],
    ['trees', { model: { model: { type: 'model/ranklib', definition: '' } } }, 'not model/linear'],
    ['an unknown normalizer', { features: [{ name: 'a', weight: 1, normalization: { kind: 'z' } }] }, 'unknown normalization'],
  ])('refuses %s', (_, document, reason) => {
    expect(() => importModel(document, 'm')).toThrow(reason);
  });
});

interface SolrModel {
  readonly features: readonly {
    readonly name: string;
    readonly norm?: { readonly class: string; readonly params: Readonly<Record<string, string>> };
  }[];
  readonly params: { readonly weights: Readonly<Record<string, number>> };
}

/** LinearModel.score of Solr: float32 after every operation, in the order of the features. */
function solrScore(model: SolrModel, row: number): number {
  const f = Math.fround;
  let score = 0;
  for (const { name, norm } of model.features) {
    let value = rows.data[row * 4 + rows.names.indexOf(name)];
    if (norm?.class.endsWith('StandardNormalizer')) value = f(f(value - f(Number(norm.params.avg))) / f(Number(norm.params.std)));
    else if (norm) value = f(f(value - f(Number(norm.params.min))) / f(f(Number(norm.params.max)) - f(Number(norm.params.min))));
    score = f(score + f(f(model.params.weights[name]) * value));
  }
  return score;
}

describe('what other engines also write', () => {
  const linear = { type: 'model/linear', definition: '{"year":0.5,"title":0.25}' };
  const normalizers = { year: { standard: { mean: 2000, standard_deviation: 10 } } };
  const expected = [
    { name: 'year', weight: 0.5, normalization: { kind: 'standard', mean: 2000, deviation: 10 } },
    { name: 'title', weight: 0.25, normalization: { kind: 'none' } },
  ];

  it('normalizers beside the model, where OpenSearch had them first', () => {
    expect(importModel({ model: { name: 'm', feature_normalizers: normalizers, model: linear } }, 'm')).toEqual(expected);
  });

  it('the reply to a GET of the model', () => {
    const stored = {
      name: 'm',
      type: 'model',
      model: { name: 'm', feature_set: { name: 's', features: [] }, model: { ...linear, feature_normalizers: normalizers } },
    };
    expect(importModel({ _index: '.ltrstore', _id: 'model-m', _version: 1, found: true, _source: stored }, 'm')).toEqual(expected);
  });

  it.each([
    [{ model: { name: 'm', feature_normalizers: normalizers, model: { ...linear, feature_normalizers: normalizers } } }, /in two places/],
    [{ model: { name: 'm', boost: 2, model: linear } }, /model has a field "boost"/],
    [{ model: { name: 'm', model: { ...linear, bias: 1 } } }, /the inner model has a field "bias"/],
    [{ found: true, _source: { model: { model: linear } }, extra: 1 }, /the reply has a field "extra"/],
    [
      {
        class: 'org.apache.solr.ltr.model.LinearModel',
        name: 'm',
        features: [{ name: 'year' }],
        params: { weights: { year: 1 }, bias: 3 },
      },
      /params has a field "bias"/,
    ],
    [
      {
        class: 'org.apache.solr.ltr.model.LinearModel',
        name: 'm',
        features: [{ name: 'year', missing: 0 }],
        params: { weights: { year: 1 } },
      },
      /the feature "year" has a field "missing"/,
    ],
  ])('refuses a field it would have to ignore: %#', (document, message) => {
    expect(() => importModel(document, 'm')).toThrow(message);
  });
});
