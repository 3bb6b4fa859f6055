/** A colour in CIE L*a*b* (D65): lightness 0..100, green to red, blue to yellow. Distances in it are what eyes see. */
export type Lab = readonly [l: number, a: number, b: number];

const D65 = [0.95047, 1, 1.08883] as const;

/** sRGB, 0..255 -> L*a*b*. White is [100, 0, 0], pure red [53.2, 80.1, 67.2]. */
export function labOf(red: number, green: number, blue: number): Lab {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const x = cubeRoot((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / D65[0]);
  const y = cubeRoot((0.2126729 * r + 0.7151522 * g + 0.072175 * b) / D65[1]);
  const z = cubeRoot((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / D65[2]);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** L*a*b* -> sRGB as `#rrggbb`, clipped to what a screen shows. */
export function hexOf([l, a, b]: Lab): string {
  const y = (l + 16) / 116;
  const [x, z] = [y + a / 500, y - b / 200];
  const [X, Y, Z] = [D65[0] * cube(x), D65[1] * cube(y), D65[2] * cube(z)];
  const rgb = [
    3.2404542 * X - 1.5371385 * Y - 0.4985314 * Z,
    -0.969266 * X + 1.8760108 * Y + 0.041556 * Z,
    0.0556434 * X - 0.2040259 * Y + 1.0572252 * Z,
  ];
  return `#${rgb.map((value) => Math.round(companded(value)).toString(16).padStart(2, '0')).join('')}`;
}

/** Difference of two colours (CIE 1976); about 2.3 is just noticeable. */
export function colourDifference(a: Lab, b: Lab): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function linear(value: number): number {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
}

function companded(value: number): number {
  const v = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
  return 255 * Math.min(1, Math.max(0, v));
}

function cubeRoot(t: number): number {
  return t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 / 116) * t + 16 / 116;
}

function cube(t: number): number {
  return t ** 3 > 216 / 24389 ? t ** 3 : (116 * t - 16) / (24389 / 27);
}
