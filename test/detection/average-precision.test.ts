import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  averagePrecisionAllPoints,
  cocoAveragePrecision,
  imagesByLabel,
  type JudgedImage,
  matchLabel,
  meanAveragePrecision,
} from '../../src/detection/average-precision.ts';
import { type DetectionReader, detectorFigures } from '../../src/detection/detector-evaluation.ts';
import { readDetections } from '../../src/detection/suppression.ts';

interface Case {
  readonly name: string;
  readonly images: readonly JudgedImage[];
  readonly figures: { readonly ap: number; readonly ap50: number; readonly ap70: number; readonly allPoints50: number };
}
const cases = JSON.parse(readFileSync(new URL('../cases/average-precision.json', import.meta.url), 'utf8')) as readonly Case[];

describe('figures of pycocotools', () => {
  it.each(cases.map((row) => [row.name, row] as const))('%s', (_, { images, figures }) => {
    expect(cocoAveragePrecision(images)).toBeCloseTo(figures.ap, 9);
    expect(cocoAveragePrecision(images, [0.5])).toBeCloseTo(figures.ap50, 9);
    expect(cocoAveragePrecision(images, [0.7])).toBeCloseTo(figures.ap70, 9);
    expect(meanAveragePrecision(images, 0.5).mean).toBeCloseTo(figures.allPoints50, 9);
  });

  it.each(cases.map((row) => [row.name, row] as const))('%s, as an evaluation names them', (_, { images, figures }) => {
    const evaluated = images.map(({ found, truth }) => ({ width: 100, height: 100, detections: found, truth }));
    const read: DetectionReader = (detections, scoreMin) => readDetections(detections, { scoreMin, nmsIou: 1 });
    const rules = { read, scoreThreshold: 0.5, dominance: { scoreMin: 0.3, areaMin: 0.25, ownScoreMin: 0.9 } };
    const { map50, map50Coco, map5095 } = detectorFigures(evaluated, rules);
    expect(map50).toBeCloseTo(figures.allPoints50, 9);
    expect(map50Coco).toBeCloseTo(figures.ap50, 9);
    expect(map5095).toBeCloseTo(figures.ap, 9);
  });
});

describe('by hand', () => {
  const truth = [
    { label: 'hat', box: [0, 0, 10, 10] as const },
    { label: 'hat', box: [20, 0, 30, 10] as const },
  ];

  it('hit, miss, hit of two true boxes: 1/2 x 1 + 1/2 x 2/3', () => {
    const found = [
      { label: 'hat', score: 0.9, box: [0, 0, 10, 10] as const },
      { label: 'hat', score: 0.8, box: [50, 50, 60, 60] as const },
      { label: 'hat', score: 0.7, box: [20, 0, 30, 10] as const },
    ];
    const matched = matchLabel(imagesByLabel([{ found, truth }])[0], 0.5);
    expect([...matched.hits]).toEqual([1, 0, 1]);
    expect(averagePrecisionAllPoints(matched)).toBeCloseTo(5 / 6, 12);
  });

  it('finds a true box once', () => {
    const found = [0.9, 0.8].map((score) => ({ label: 'hat', score, box: [0, 0, 10, 10] as const }));
    expect([...matchLabel(imagesByLabel([{ found, truth }])[0], 0.5).hits]).toEqual([1, 0]);
  });

  it('ignores labels that the truth does not hold', () => {
    const found = [{ label: 'shoe', score: 0.9, box: [0, 0, 10, 10] as const }];
    expect(meanAveragePrecision([{ found, truth }], 0.5)).toEqual({ mean: 0, byLabel: { hat: 0 } });
  });
});
