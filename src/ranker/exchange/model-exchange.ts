/**
 * Linear models as other engines keep them: flat JSON, Solr LTR, OpenSearch and Elasticsearch LTR. Weights and normalizers
 * are carried over; what cannot be is refused by name: those engines know standard and min-max, per column, and nothing else.
 * Our own JSON and the Solr document end in the digest of the rest, which is checked where it is there; the body of
 * OpenSearch has no place for one.
 */
import { digestOf } from '../../catalog/artifacts/digest.ts';
import { ServiceError } from '../../errors.ts';
import type { ModelFeature } from '../scoring/linear-model.ts';
import { readFeatures } from '../registry/model-artifact.ts';
import type { Normalization } from '../scoring/normalizer.ts';

/** json: ours; opensearch: that of Elasticsearch, too. */
export const EXCHANGE_FORMATS = ['json', 'solr', 'opensearch'] as const;
type ExchangeFormat = (typeof EXCHANGE_FORMATS)[number];

const STORE = 'related-pins';

/** The document to write. Throws RANKER_MODEL_REFUSED naming the feature whose normalization the format does not know. */
export function exportModel(name: string, features: readonly ModelFeature[], format: ExchangeFormat): unknown {
  if (format === 'json') return sealed({ name, features });
  for (const { name: feature, normalization } of features) {
    if (normalization.kind !== 'none' && normalization.kind !== 'standard' && normalization.kind !== 'min-max')
      throw new ServiceError('RANKER_MODEL_REFUSED', {
        model: name,
        reason: `the ${normalization.kind} normalization of "${feature}" cannot be carried over to ${format}`,
      });
  }
  return format === 'solr' ? sealed(toSolr(name, features)) : toOpenSearch(name, features);
}

const digestOfRecord = (record: object): string => digestOf(Buffer.from(JSON.stringify(record)));
const sealed = (record: object): object => ({ ...record, digest: digestOfRecord(record) });

/** The document without its digest. Throws RANKER_MODEL_REFUSED when the digest is another one. */
function unsealed(document: unknown, label: string): Readonly<Record<string, unknown>> {
  const { digest, ...rest } = recordOf(document);
  if (digest !== undefined && digest !== digestOfRecord(rest)) {
    const reason = 'its digest does not match its content: it is damaged, or was edited (then take the digest out)';
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: label, reason });
  }
  return rest;
}

/** `features` goes to the feature store, `model` to the model store. Numbers of normalizers are texts there. */
function toSolr(name: string, features: readonly ModelFeature[]): object {
  return {
    features: features.map((feature) => ({
      store: STORE,
      name: feature.name,
      class: 'org.apache.solr.ltr.feature.FieldValueFeature',
      params: { field: feature.name },
    })),
    model: {
      store: STORE,
      class: 'org.apache.solr.ltr.model.LinearModel',
      name,
      features: features.map((feature) => ({ name: feature.name, ...solrNorm(feature.normalization) })),
      params: { weights: weightsOf(features) },
    },
  };
}

function solrNorm(normalization: Normalization): object {
  if (normalization.kind === 'standard') {
    const params = { avg: String(normalization.mean), std: String(normalization.deviation) };
    return { norm: { class: 'org.apache.solr.ltr.norm.StandardNormalizer', params } };
  }
  if (normalization.kind === 'min-max') {
    const params = { min: String(normalization.min), max: String(normalization.max) };
    return { norm: { class: 'org.apache.solr.ltr.norm.MinMaxNormalizer', params } };
  }
  return {};
}

/** The body of `_createmodel`; `definition` is JSON in a text. */
function toOpenSearch(name: string, features: readonly ModelFeature[]): unknown {
  const normalized = features.filter(({ normalization }) => normalization.kind !== 'none');
  const normalizers = Object.fromEntries(normalized.map((feature) => [feature.name, openSearchNorm(feature.normalization)]));
  return {
    model: {
      name,
      model: {
        type: 'model/linear',
        ...(normalized.length > 0 ? { feature_normalizers: normalizers } : {}),
        definition: JSON.stringify(weightsOf(features)),
      },
    },
  };
}

function openSearchNorm(normalization: Normalization): object {
  if (normalization.kind === 'standard') return { standard: { mean: normalization.mean, standard_deviation: normalization.deviation } };
  if (normalization.kind === 'min-max') return { min_max: { minimum: normalization.min, maximum: normalization.max } };
  return {};
}

function weightsOf(features: readonly ModelFeature[]): Record<string, number> {
  return Object.fromEntries(features.map(({ name, weight }) => [name, weight]));
}

/**
 * Reads any of the three formats, recognized by their shape; also the reply of OpenSearch to a GET of the model. A field that
 * the format does not have is refused: what it meant would be lost. Throws RANKER_MODEL_REFUSED.
 */
export function importModel(document: unknown, label: string): readonly ModelFeature[] {
  const record = unsealed(document, label);
  const read = readAnyFormat(record);
  if (typeof read === 'string') throw new ServiceError('RANKER_MODEL_REFUSED', { model: label, reason: read });
  return read;
}

function readAnyFormat(record: Readonly<Record<string, unknown>>): readonly ModelFeature[] | string {
  if (record._source !== undefined) return unknownField(record, GET_REPLY, 'the reply') ?? readAnyFormat(recordOf(record._source));
  const outer = recordOf(record.model);
  const inner = recordOf(outer.model);
  if (inner.type !== undefined) {
    const unknown = unknownField(record, ['name', 'type', 'model'], 'the document') ?? unknownField(outer, OPENSEARCH_MODEL, 'model');
    return unknown ?? fromOpenSearch(inner, outer.feature_normalizers);
  }
  const solr = record.class === undefined ? outer : record;
  if (solr.class === undefined) return readFeatures(record.features);
  const unknown = solr === record ? null : unknownField(record, ['features', 'model'], 'the document');
  return unknown ?? unknownField(solr, ['store', 'class', 'name', 'features', 'params'], 'the model') ?? fromSolr(solr);
}

const GET_REPLY = ['_index', '_type', '_id', '_version', '_seq_no', '_primary_term', 'found', '_source'];
/** `feature_set` says how the engine computes the features, `feature_normalizers` is where they stood first. */
const OPENSEARCH_MODEL = ['name', 'feature_set', 'feature_normalizers', 'model'];

/** Names a field that the format does not have; null when there is none. */
function unknownField(record: Readonly<Record<string, unknown>>, known: readonly string[], where: string): string | null {
  const field = Object.keys(record).find((name) => !known.includes(name));
  return field === undefined
    ? null
    : `${where} has a field "${field}", whose meaning is not known here; take it out if the model does not need it`;
}

function fromSolr(model: Readonly<Record<string, unknown>>): readonly ModelFeature[] | string {
  if (model.class !== 'org.apache.solr.ltr.model.LinearModel') return `its class is ${String(model.class)}, not a LinearModel`;
  const weights = recordOf(recordOf(model.params).weights);
  const foreign = unknownField(recordOf(model.params), ['weights'], 'params');
  if (foreign) return foreign;
  const listed = Array.isArray(model.features) ? (model.features as readonly unknown[]).map(recordOf) : [];
  const unlisted = Object.keys(weights).find((name) => !listed.some((feature) => feature.name === name));
  if (unlisted !== undefined) return `it has a weight for "${unlisted}", which is not among its features`;
  for (const feature of listed) {
    const unknown = unknownField(feature, ['name', 'store', 'norm'], `the feature "${String(feature.name)}"`);
    if (unknown) return unknown;
  }
  const features = listed.map((feature) => ({
    name: feature.name,
    weight: weights[String(feature.name)],
    normalization: fromSolrNorm(recordOf(feature.norm)),
  }));
  return readFeatures(features);
}

function fromSolrNorm(norm: Readonly<Record<string, unknown>>): unknown {
  const params = recordOf(norm.params);
  const kind = String(norm.class ?? '')
    .split('.')
    .at(-1);
  if (kind === 'StandardNormalizer') return { kind: 'standard', mean: Number(params.avg), deviation: Number(params.std) };
  if (kind === 'MinMaxNormalizer') return { kind: 'min-max', min: Number(params.min), max: Number(params.max) };
  return { kind: kind === '' || kind === 'IdentityNormalizer' ? 'none' : kind };
}

/** `outerNormalizers`: those beside the model, where older releases have them. */
function fromOpenSearch(model: Readonly<Record<string, unknown>>, outerNormalizers: unknown): readonly ModelFeature[] | string {
  const foreign = unknownField(model, ['type', 'definition', 'feature_normalizers'], 'the inner model');
  if (foreign) return foreign;
  if (model.feature_normalizers !== undefined && outerNormalizers !== undefined) return 'it has feature_normalizers in two places';
  if (model.type !== 'model/linear') return `its type is ${String(model.type)}, not model/linear`;
  let weights: Readonly<Record<string, unknown>>;
  try {
    weights = recordOf(typeof model.definition === 'string' ? JSON.parse(model.definition) : model.definition);
  } catch {
    return 'its definition is not JSON';
  }
  const normalizers = recordOf(model.feature_normalizers ?? outerNormalizers);
  const unknown = Object.keys(normalizers).find((name) => !Object.hasOwn(weights, name));
  if (unknown !== undefined) return `it normalizes "${unknown}", which has no weight`;
  const features = Object.keys(weights).map((name) => ({
    name,
    weight: weights[name],
    normalization: fromOpenSearchNorm(recordOf(normalizers[name])),
  }));
  return readFeatures(features);
}

function fromOpenSearchNorm(norm: Readonly<Record<string, unknown>>): unknown {
  const { standard, min_max: minMax } = norm;
  if (standard !== undefined) {
    const { mean, standard_deviation: deviation } = recordOf(standard);
    return { kind: 'standard', mean, deviation };
  }
  if (minMax !== undefined) return { kind: 'min-max', min: recordOf(minMax).minimum, max: recordOf(minMax).maximum };
  return { kind: Object.keys(norm)[0] ?? 'none' };
}

function recordOf(given: unknown): Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
}
