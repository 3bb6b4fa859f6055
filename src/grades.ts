/** What each action of a person is worth, as a grade: save > long click > click > closeup > seen > hidden. */
export const GRADES = { save: 4, longClick: 3, click: 2, closeup: 1, seen: 0, hide: -1 } as const;
type GradeName = keyof typeof GRADES;
export type Grades = Readonly<Record<GradeName, number>>;
export const GRADE_NAMES = Object.keys(GRADES) as readonly GradeName[];

/** Largest grade, either way: NDCG counts 2^grade. */
export const GRADE_MAX = 10;

/** Reads `save=4,hide=-2`; what is not named keeps its grade. The problem as text when it cannot be read. */
export function readGrades(text: string): Grades | string {
  const grades: Record<GradeName, number> = { ...GRADES };
  for (const part of text.split(',')) {
    const [name, value = '', ...more] = part.split('=').map((each) => each.trim());
    if (!Object.hasOwn(GRADES, name)) return `it names "${name}"; there are: ${GRADE_NAMES.join(', ')}`;
    const grade = value === '' || more.length > 0 ? Number.NaN : Number(value);
    if (!(Math.abs(grade) <= GRADE_MAX)) return `${name} must be a number within -${GRADE_MAX}..${GRADE_MAX}, it is "${value}"`;
    grades[name as GradeName] = grade;
  }
  return new Set(Object.values(grades)).size === 1 ? 'all grades are the same: nothing can be learned from them' : grades;
}

/** A grade less that of an item that was seen and left alone: what training counts, 0 for `seen`. */
export function overSeen(grades: Grades): Grades {
  return Object.fromEntries(GRADE_NAMES.map((name) => [name, grades[name] - grades.seen])) as Grades;
}
