import { expect } from 'vitest';
import { randomStream } from '../../src/core/random.js';
import type { LayerLaw } from './layer_laws.js';
import {
  apply,
  gradients,
  type LeftOut,
  lossOf,
  onBackend,
  rowState,
  type Snapshot,
  type State,
  snapshot,
  withLayer,
} from './layer_runs.js';
import type { LayerRow } from './layers.js';

interface Evaluation {
  loss: number;
  /** Integer outputs: rankings and ids, that must not change under the step of a finite difference. */
  ranks: Snapshot[];
}

function evaluate(row: LayerRow, state: State, leftOut: LeftOut): Evaluation {
  return withLayer(row, state, (layer, inputs) => {
    const outputs = apply(layer, inputs);
    return {
      loss: lossOf(outputs, leftOut).dataSync()[0] as number,
      ranks: outputs.filter(({ dtype }) => dtype === 'int32').map(snapshot),
    };
  });
}

/** The state with one weight or input moved along a direction. */
type Move = (step: number) => State;

function moveWeight(state: State, name: string, direction: Float32Array): Move {
  const start = state.weights.get(name) as Float32Array;
  return (step) => ({ ...state, weights: new Map(state.weights).set(name, moved(start, direction, step)) });
}

function moveInput(state: State, place: number, direction: Float32Array): Move {
  const start = state.inputs[place] as Float32Array;
  return (step) => ({
    ...state,
    inputs: state.inputs.map((values, i) => (i === place ? moved(start, direction, step) : values)),
  });
}

function moved(start: Float32Array, direction: Float32Array, step: number): Float32Array {
  return start.map((value, i) => value + step * (direction[i] as number));
}

/** Signs at random. */
function signs(purpose: string, index: number, count: number): Float32Array {
  const stream = randomStream(7, purpose, index);
  return Float32Array.from({ length: count }, () => (stream.uniform() < 0.5 ? -1 : 1));
}

const DIRECTIONS = 3;
/** Length of the step of a finite difference. */
const STEP = 0.01;

/** Slope by five points, whose error falls with the fourth power of the step. */
function slope(row: LayerRow, move: Move, leftOut: LeftOut, count: number, what: string): number {
  const step = STEP * count ** -0.5;
  const { ranks } = evaluate(row, move(0), leftOut);
  const at = (steps: number): number => {
    const evaluation = evaluate(row, move(steps * step), leftOut);
    expect(evaluation.ranks, `the ranking changes with ${what}: choose another seed for "${row.name}"`).toEqual(ranks);
    return evaluation.loss;
  };
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
}

/** A gradient is there, finite, not zero, and has the slopes of finite differences (on cpu) in random directions. */
function expectSlopes(
  row: LayerRow,
  gradient: Float32Array | null | undefined,
  moves: (direction: Float32Array) => Move,
  leftOut: LeftOut,
  what: string,
): void {
  expect(gradient, `${what} has a gradient`).toBeInstanceOf(Float32Array);
  const known = gradient as Float32Array;
  expect(known.every(Number.isFinite), `${what} has a finite gradient`).toBe(true);
  expect(
    known.some((value) => value !== 0),
    `${what} has a gradient that is not zero`,
  ).toBe(true);
  for (let i = 0; i < DIRECTIONS; i++) {
    const direction = signs(`${row.name}/${what}`, i, known.length);
    const expected = onBackend('cpu', () => slope(row, moves(direction), leftOut, known.length, what));
    const received = known.reduce((sum, value, place) => sum + value * (direction[place] as number), 0);
    expect(Math.abs(received - expected), `${what}: gradient ${received}, difference ${expected}`).toBeLessThan(
      1e-3 * (1 + Math.abs(expected)),
    );
  }
}

/** Every weight, by name, and every float input has the gradient of finite differences. */
export const gradientsAreSlopes: LayerLaw = (row) => {
  const { fixedWeights = [], fixedInputs = [], detachedOutputs = [], constantOutputs = [] } = row;
  const state = rowState(row);
  const ofWeights = gradients(row, state, constantOutputs).weights;
  for (const name of fixedWeights) expect([...ofWeights.keys()]).toContain(name);
  for (const [name, gradient] of ofWeights) {
    if (fixedWeights.includes(name)) continue;
    expectSlopes(row, gradient, (direction) => moveWeight(state, name, direction), constantOutputs, name);
  }
  const leftOut = [...constantOutputs, ...detachedOutputs];
  for (const [place, gradient] of gradients(row, state, leftOut).inputs) {
    if (fixedInputs.includes(place)) continue;
    const moves = (direction: Float32Array): Move => moveInput(state, place, direction);
    expectSlopes(row, gradient, moves, leftOut, `input ${place}`);
  }
};

function expectNothing(gradient: Float32Array | null | undefined, what: string): void {
  expect(
    Array.from(gradient ?? []).filter((value) => value !== 0),
    `${what} gets no gradient`,
  ).toEqual([]);
}

/** What by design gets no gradient gets none at all: not small, but zero. */
export const noOtherGradients: LayerLaw = (row) => {
  const { fixedWeights = [], fixedInputs = [], detachedOutputs = [], constantOutputs = [] } = row;
  const state = rowState(row);
  const everything = gradients(row, state, []);
  for (const name of fixedWeights) expectNothing(everything.weights.get(name), name);
  for (const place of fixedInputs) expectNothing(everything.inputs.get(place), `input ${place}`);
  const others = (chosen: readonly number[]): number[] =>
    Array.from({ length: 9 }, (_, i) => i).filter((i) => !chosen.includes(i));
  const ofConstants = gradients(row, state, others(constantOutputs));
  for (const [name, gradient] of ofConstants.weights) expectNothing(gradient, `${name}, from constant outputs,`);
  const ofDetached = gradients(row, state, others([...constantOutputs, ...detachedOutputs]));
  for (const [place, gradient] of ofDetached.inputs) expectNothing(gradient, `input ${place}, from detached outputs,`);
};
