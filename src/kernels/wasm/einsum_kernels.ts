import {
  backend_util,
  broadcastTo,
  type EinsumAttrs,
  einsum,
  reshape,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { contract, countOf, fullTerm, permute, type Sizes, type Term } from './contraction.js';
import type { KernelHost } from './host.js';
import { areFloats, type WasmKernel } from './kernel.js';

/** An equation read against its operands; axes are named by their numbers. */
interface Equation {
  readonly sizes: Sizes;
  readonly inputs: readonly string[][];
  readonly output: readonly string[];
}

function readEquation(equation: string, operands: readonly TensorInfo[]): Equation {
  const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(equation, operands.length);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, operands as Tensor[]);
  const sizes = new Map<string, number>();
  const inputs = idDims.map((ids, i) =>
    ids.map((id, axis) => {
      sizes.set(`${id}`, operands[i]?.shape[axis] ?? 1);
      return `${id}`;
    }),
  );
  const output = allDims.map((_, id) => `${id}`).slice(0, allDims.length - summedDims.length);
  return { sizes, inputs, output };
}

/** Sums over all axes but those to keep: a product with the number 1. */
function sumInto(host: KernelHost, sizes: Sizes, term: Term, pointer: number, kept: readonly string[]): void {
  host.withScratch(4, (one) => {
    host.call('storeInteger', one, 0, ONE);
    contract(host, sizes, term, { pointer: one, strides: new Map() }, fullTerm(pointer, sizes, kept));
  });
}

/** The bits of 1 as float32. */
const ONE = 0x3f800000;

/** Runs with a term that has only axes which are in `kept`, the others summed. */
function withSummed(
  host: KernelHost,
  sizes: Sizes,
  term: Term,
  kept: readonly string[],
  use: (term: Term) => void,
): void {
  const names = [...term.strides.keys()].filter((name) => kept.includes(name));
  if (names.length === term.strides.size) {
    use(term);
    return;
  }
  host.withScratch(4 * countOf(sizes, names), (pointer) => {
    sumInto(host, sizes, term, pointer, names);
    use(fullTerm(pointer, sizes, names));
  });
}

/** `Einsum` of one or two operands, as products of matrices. */
const einsumKernel: WasmKernel = {
  name: 'Einsum',
  run: ({ inputs, attrs, host }) => {
    const operands = Object.values(inputs) as TensorInfo[];
    const { sizes, inputs: names, output } = readEquation((attrs as unknown as EinsumAttrs).equation, operands);
    if (!areFloats(...operands)) return undefined;
    const out = host.output(output.map((name) => sizes.get(name) ?? 1));
    const count = countOf(sizes, output);
    if (count === 0) return out;
    if ([...sizes.values()].includes(0)) {
      host.call('clearElements', host.pointer(out), count);
      return out;
    }
    const [a, b] = operands.map((operand, i) => fullTerm(host.pointer(operand), sizes, names[i] ?? [])) as [
      Term,
      Term?,
    ];
    const target = fullTerm(host.pointer(out), sizes, output);
    if (b) {
      withSummed(host, sizes, a, [...b.strides.keys(), ...output], (a) => {
        withSummed(host, sizes, b, [...a.strides.keys(), ...output], (b) => contract(host, sizes, a, b, target));
      });
    } else if (a.strides.size > output.length) sumInto(host, sizes, a, target.pointer, output);
    else permute(host, a, target.pointer, sizes, output);
    return out;
  },
  /** tfjs has none (https://github.com/tensorflow/tfjs/issues/7722). */
  gradient: (dy, saved, attrs) => {
    const { equation } = attrs as unknown as EinsumAttrs;
    const [terms = '', output = ''] = equation.replace(/\s/g, '').split('->');
    const names = terms.split(',');
    return Object.fromEntries(
      saved.map((x, i) => [
        `${i}`,
        () => gradientOf(x, names[i] ?? '', dy as Tensor, output, names[1 - i], saved[1 - i]),
      ]),
    );
  },
};

/** The gradient of one operand: dy times the other operand, spread over the axes that were summed in this one alone. */
function gradientOf(x: Tensor, names: string, dy: Tensor, output: string, otherNames = '', other?: Tensor): Tensor {
  const kept = [...names].filter((name) => output.includes(name) || otherNames.includes(name));
  const own = kept.join('');
  const partial = other ? einsum(`${output},${otherNames}->${own}`, dy, other) : einsum(`${output}->${own}`, dy);
  if (own === names) return partial;
  const shape = [...names].map((name, axis) => (kept.includes(name) ? (x.shape[axis] ?? 1) : 1));
  return broadcastTo(reshape(partial, shape), x.shape);
}

export const einsumKernels: readonly WasmKernel[] = [einsumKernel];
