/** Shapes that go beside a word: the states of NAMUR NE 107 differ in outline and sign, not only in colour. */
export type StatusKind =
  | 'good'
  /** NE 107 failure: red, circle with a cross. */
  | 'failure'
  /** NE 107 function check: orange, square: somebody or something works on it. */
  | 'check'
  /** NE 107 out of specification: yellow, triangle. */
  | 'spec'
  /** NE 107 maintenance required: blue, diamond. */
  | 'maintenance'
  /** Not in use, or not known. */
  | 'off';
