import { describe, expect, it } from 'vitest';
import { flagsOf } from '../../bench/flags.ts';

const DEFAULTS = { pins: 100_000, candidates: [1000, 100], noPeer: false, photos: [] as readonly string[], peer: '' };

describe('the flags of a bench', () => {
  it('have the type of their defaults', () => {
    expect(flagsOf([], DEFAULTS)).toEqual(DEFAULTS);
    const argv = ['--pins', '50', '--candidates', '1,2', '--no-peer', '--photos', 'a', '--photos', 'b', '--peer', 'rust'];
    expect(flagsOf(argv, DEFAULTS)).toEqual({ pins: 50, candidates: [1, 2], noPeer: true, photos: ['a', 'b'], peer: 'rust' });
  });

  it('are refused with what there is when nobody knows them or a number is none', () => {
    expect(() => flagsOf(['--pin', '5'], DEFAULTS)).toThrow(
      /'--pin'[\s\S]*--pins \(100000\)\n {2}--candidates \(1000,100\)\n {2}--no-peer\n/,
    );
    expect(() => flagsOf(['--pins', 'many'], DEFAULTS)).toThrow("--pins takes a number, not 'many'");
    expect(() => flagsOf(['--pins', '1,2'], DEFAULTS)).toThrow('--pins takes a number');
    expect(() => flagsOf(['--pins', ''], DEFAULTS)).toThrow('--pins takes a number');
    expect(() => flagsOf(['more'], DEFAULTS)).toThrow("'more'");
  });
});
