/** Argument checks that share one message form: `Owner: argument must be X, received Y.` */

/** Prints a received value in an error message. */
function show(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.getPrototypeOf(value) === Object.prototype ? JSON.stringify(value) : 'an object of a class';
}

/** The error that every check throws. */
export function argumentError(owner: string, argument: string, expected: string, received: unknown): Error {
  return new Error(`${owner}: ${argument} must be ${expected}, received ${show(received)}.`);
}

/** Returns `value` if it is an integer in `[min, max]`. */
export function requireInteger(
  owner: string,
  argument: string,
  value: unknown,
  min: number = Number.NEGATIVE_INFINITY,
  max: number = Number.POSITIVE_INFINITY,
): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw argumentError(owner, argument, range('an integer', 'an integer', min, max), value);
}

/** Returns `value` if it is a finite number in `[min, max]`; `min = Number.MIN_VALUE` asks for a positive one. */
export function requireNumber(
  owner: string,
  argument: string,
  value: unknown,
  min: number = Number.NEGATIVE_INFINITY,
  max: number = Number.POSITIVE_INFINITY,
): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value;
  throw argumentError(owner, argument, range('a number', 'a finite number', min, max), value);
}

/** Words for one in `[min, max]`, or for any; `Number.MIN_VALUE` stands for "above 0". */
function range(one: string, any: string, min: number, max: number): string {
  const positive = min === Number.MIN_VALUE;
  if (max !== Number.POSITIVE_INFINITY) return `${one} in ${positive ? '(0' : `[${min}`}, ${max}]`;
  if (positive) return 'a positive number';
  return min === Number.NEGATIVE_INFINITY ? any : `${one} of at least ${min}`;
}

/** Returns `value` if it is a boolean. */
export function requireBoolean(owner: string, argument: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw argumentError(owner, argument, 'a boolean', value);
}

/** Returns `value` if it is one of `choices`. */
export function requireOneOf<T extends string>(
  owner: string,
  argument: string,
  value: unknown,
  choices: readonly T[],
): T {
  const match = choices.find((choice) => choice === value);
  if (match !== undefined) return match;
  throw argumentError(owner, argument, `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`, value);
}

/**
 * Returns `shape` if it fits: a number stands for itself, a name for any size. A size must be known unless its name is
 * `batch` or ends in a question mark, as in `['batch', 17, 'dim?']`.
 */
export function requireShape(
  owner: string,
  argument: string,
  shape: ReadonlyArray<number | null>,
  expected: ReadonlyArray<string | number | null>,
): ReadonlyArray<number | null> {
  const fits = (size: string | number | null, i: number): boolean =>
    typeof size === 'string' ? shape[i] !== null || size === 'batch' || size.endsWith('?') : size === shape[i];
  if (shape.length === expected.length && expected.every(fits)) return shape;
  throw argumentError(owner, argument, `of shape [${expected.map(String).join(', ').replaceAll('?', '')}]`, shape);
}
