import { describe, expect, it } from 'vitest';
import { decodeImage, drawSvg } from '../../../src/vision/image-tensor.ts';
import { drawPin, UNALTERED } from '../../../lab/world/drawing.ts';
import { CATEGORIES } from '../../../lab/world/latents.ts';
import { DEFAULT_WORLD, makeRecipe } from '../../../lab/world/recipe.ts';
import { textPath, textUnits, wrapWords } from '../../../lab/world/stroke-font.ts';

const recipe = makeRecipe({ ...DEFAULT_WORLD, pins: 800 });

describe('drawings', () => {
  it('draws every topic of every category, boxes inside the picture, no letters left to a font', () => {
    const drawn = new Set<string>();
    for (const { felt, alteration } of recipe.pins) {
      const { svg, width, height, objects } = drawPin(felt, alteration);
      drawn.add(`${felt.category} ${felt.topic}`);
      expect(svg).not.toMatch(/<text|NaN|undefined/);
      for (const { box } of objects) {
        expect(box[0]).toBeGreaterThanOrEqual(0);
        expect(box[1]).toBeGreaterThanOrEqual(0);
        expect(box[2]).toBeLessThanOrEqual(width);
        expect(box[3]).toBeLessThanOrEqual(height);
      }
    }
    expect(drawn.size).toBe(CATEGORIES.reduce((sum, { topics }) => sum + topics.length, 0));
  });

  it('puts several objects into scenes and none into quotes', () => {
    const of = (name: string, topic: string): number[] => {
      const category = CATEGORIES.findIndex((row) => row.name === name);
      const wanted = CATEGORIES[category].topics.findIndex(([key]) => key === topic);
      return recipe.pins
        .filter(({ felt }) => felt.category === category && felt.topic === wanted)
        .map(({ felt }) => drawPin(felt).objects.length);
    };
    expect(Math.min(...of('home decor', 'living rooms'))).toBeGreaterThan(1);
    expect(Math.min(...of('womens fashion', 'outfits'))).toBeGreaterThan(2);
    expect(Math.max(...of('quotes', 'love'))).toBe(0);
  });

  it('moves boxes with the crop and drops what is cut away', () => {
    const pin = recipe.pins.find(({ felt }) => felt.category === 0 && felt.topic === 0);
    const whole = drawPin(pin!.felt);
    const [object] = whole.objects;
    const cut = drawPin(pin!.felt, { ...UNALTERED, cropLeft: 0.05 });
    expect(cut.objects[0].box[0]).toBeCloseTo(object.box[0] - 12, 0);
    expect(cut.width).toBe(whole.width - 12);
    expect(drawPin(pin!.felt, { ...UNALTERED, cropTop: 0.8 }).objects).toEqual([]);
  });

  it('is a picture of the size it says', async () => {
    const { svg, width, height } = drawPin(recipe.pins[0].felt);
    const image = await decodeImage(await drawSvg(svg));
    expect([image.width, image.height]).toEqual([width, height]);
  });
});

describe('stroke font', () => {
  it('draws letters as paths from their place, wider for more letters', () => {
    expect(textPath('L', 10, 20, 6)).toBe('M10,20 L10,26 L14,26');
    expect(textUnits('LL')).toBeGreaterThan(2 * textUnits('L'));
    expect(wrapWords('make today count', 8)).toEqual(['make', 'today', 'count']);
  });
});
