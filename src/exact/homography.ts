/**
 * Projective maps of the plane as nine numbers, row by row: (x, y) goes to ((h0 x + h1 y + h2) / w, (h3 x + h4 y + h5) / w) with
 * w = h6 x + h7 y + h8.
 */
export type Homography = readonly number[];

export type Point = readonly [x: number, y: number];

/** Four corners in order around a quadrilateral. */
export type Quadrilateral = readonly [Point, Point, Point, Point];

export function mapped(h: Homography, [x, y]: Point): Point {
  const w = h[6] * x + h[7] * y + h[8];
  return [(h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w];
}

/**
 * The map that takes four points to four others, h8 = 1; null where three of either lie on a line. Eight linear equations,
 * solved by elimination with pivots (Hartley and Zisserman, Multiple View Geometry, 2nd ed., section 4.1).
 */
export function homographyOf(from: readonly Point[], to: readonly Point[]): Homography | null {
  const rows: number[][] = [];
  from.forEach(([x, y], i) => {
    const [u, v] = to[i];
    rows.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  });
  for (let column = 0; column < 8; column++) {
    let pivot = column;
    for (let row = column + 1; row < 8; row++) if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    if (Math.abs(rows[column][column]) < 1e-9) return null;
    for (let row = 0; row < 8; row++) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      if (factor !== 0) for (let k = column; k < 9; k++) rows[row][k] -= factor * rows[column][k];
    }
  }
  return [...rows.map((row, i) => row[8] / row[i]), 1];
}

/** The corners of a picture from the upper left, clockwise. */
export function cornersOf(width: number, height: number): Quadrilateral {
  return [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ];
}
