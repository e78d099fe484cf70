import type { KernelHost } from './host.js';
import { type CopyAxis, copyLayout, mergeAxes, stridesOf } from './layout.js';
import { type BatchAxis, multiply } from './product.js';

/** A tensor by its named axes: where it lies, and the floats between neighbours along each axis. */
export interface Term {
  readonly pointer: number;
  readonly strides: ReadonlyMap<string, number>;
}

/** The size of each axis, by name. */
export type Sizes = ReadonlyMap<string, number>;

const sizeOf = (sizes: Sizes, name: string): number => sizes.get(name) ?? 1;
const strideOf = ({ strides }: Term, name: string): number => strides.get(name) ?? 0;

/** Axes of more than one element, the slowest of a term first. */
function inOrderOf(term: Term, sizes: Sizes, names: Iterable<string>): string[] {
  return [...names].filter((name) => sizeOf(sizes, name) !== 1).sort((x, y) => strideOf(term, y) - strideOf(term, x));
}

/** A full tensor with these axes, the last one the fastest. */
export function fullTerm(pointer: number, sizes: Sizes, names: readonly string[]): Term {
  const strides = stridesOf(names.map((name) => sizeOf(sizes, name)));
  return { pointer, strides: new Map(names.map((name, i) => [name, strides[i] ?? 1])) };
}

/** Number of elements along these axes. */
export function countOf(sizes: Sizes, names: readonly string[]): number {
  return names.reduce((count, name) => count * sizeOf(sizes, name), 1);
}

/** Axes as they run in two terms, merged to as few as possible. */
function between(from: Term, to: Term, sizes: Sizes, names: readonly string[]): CopyAxis[] {
  return mergeAxes(
    names.map((name) => ({ size: sizeOf(sizes, name), from: strideOf(from, name), to: strideOf(to, name) })),
  );
}

/** Copies a term into a full tensor of other axes; it repeats along those that it lacks. */
export function permute(host: KernelHost, from: Term, pointer: number, sizes: Sizes, names: readonly string[]): Term {
  const to = fullTerm(pointer, sizes, names);
  copyLayout(host, from.pointer, to.pointer, between(from, to, sizes, names));
  return to;
}

/** Runs with a permuted copy of a term. */
function withCopy(
  host: KernelHost,
  term: Term,
  sizes: Sizes,
  names: readonly string[],
  use: (copy: Term) => void,
): void {
  host.withScratch(4 * countOf(sizes, names), (pointer) => use(permute(host, term, pointer, sizes, names)));
}

/** The axes of a contraction: those of one factor and the result, of all three, and those that are summed. */
interface Groups {
  readonly aOnly: readonly string[];
  readonly bOnly: readonly string[];
  readonly shared: readonly string[];
  readonly summed: readonly string[];
}

function groupsOf(sizes: Sizes, a: Term, b: Term, c: Term): Groups {
  const outputs = inOrderOf(c, sizes, c.strides.keys());
  const sums = [...a.strides.keys()].filter((name) => !c.strides.has(name));
  return {
    aOnly: outputs.filter((name) => !b.strides.has(name)),
    bOnly: outputs.filter((name) => !a.strides.has(name)),
    shared: outputs.filter((name) => a.strides.has(name) && b.strides.has(name)),
    summed: inOrderOf(a, sizes, sums),
  };
}

/**
 * c = Σ a · b over the axes that c lacks: a product of matrices for each index of the axes that all three have. The axes of
 * a that c lacks are also b's, or b has none at all. No size may be 0, and c is a full tensor.
 */
export function contract(host: KernelHost, sizes: Sizes, a: Term, b: Term, c: Term): void {
  const groups = groupsOf(sizes, a, b, c);
  const { aOnly, bOnly, shared, summed } = groups;
  const scattered = (term: Term): boolean => between(term, term, sizes, summed).length > 1;
  // The sum runs along one axis: a factor whose summed axes do not merge to one is copied.
  if (scattered(a)) {
    withCopy(host, a, sizes, [...shared, ...aOnly, ...summed], (copy) => contract(host, sizes, copy, b, c));
  } else if (scattered(b)) {
    withCopy(host, b, sizes, [...shared, ...bOnly, ...summed], (copy) => contract(host, sizes, a, copy, c));
  } else if (bOnly.length === 0 || bOnly.some((name) => strideOf(c, name) === 1)) {
    multiplyGroups(host, sizes, [a, b, c], groups);
  } else if (aOnly.length === 0 || aOnly.some((name) => strideOf(c, name) === 1)) {
    contract(host, sizes, b, a, c);
  } else {
    // The product writes whole rows, so the fastest axis of the result must be a factor's own.
    const names = [...shared, ...aOnly, ...bOnly];
    host.withScratch(4 * countOf(sizes, names), (pointer) => {
      const rows = fullTerm(pointer, sizes, names);
      contract(host, sizes, a, b, rows);
      permute(host, rows, c.pointer, sizes, [...c.strides.keys()]);
    });
  }
}

/** The largest axis apart from the others. */
function takeLargest(axes: readonly CopyAxis[]): [CopyAxis | undefined, CopyAxis[]] {
  const largest = [...axes].sort((x, y) => y.size - x.size)[0];
  return [largest, axes.filter((axis) => axis !== largest)];
}

function multiplyGroups(host: KernelHost, sizes: Sizes, [a, b, c]: readonly [Term, Term, Term], groups: Groups): void {
  const columns = [...between(b, c, sizes, groups.bOnly)];
  const column = columns.pop();
  const [row, rows] = takeLargest(between(a, c, sizes, groups.aOnly));
  const [sum] = between(a, b, sizes, groups.summed);
  const batch: BatchAxis[] = [
    ...groups.shared.map((name) => ({
      size: sizeOf(sizes, name),
      a: strideOf(a, name),
      b: strideOf(b, name),
      c: strideOf(c, name),
    })),
    ...rows.map(({ size, from, to }) => ({ size, a: from, b: 0, c: to })),
    ...columns.map(({ size, from, to }) => ({ size, a: 0, b: from, c: to })),
  ];
  multiply(host, {
    m: row?.size ?? 1,
    n: column?.size ?? 1,
    k: sum?.size ?? 1,
    a: { pointer: a.pointer, row: row?.from ?? 1, column: sum?.from ?? 1 },
    b: { pointer: b.pointer, row: sum?.to ?? 1, column: column?.from ?? 1 },
    c: { pointer: c.pointer, row: row?.to ?? 1 },
    batch,
  });
}
