/** The world of the game: objects of a colour and a shape, and rounds in which one of several is meant. */
import type { RandomStream } from 'tfjs-llf';

export const COLOURS = 8;
export const SHAPES = 4;
/** Two-hot: a colour and a shape. */
export const WIDTH: number = COLOURS + SHAPES;
const CANDIDATES = 5;

/** An object by its number, as the agents see it. */
export function objectOf(number: number): number[] {
  const vector = new Array<number>(WIDTH).fill(0);
  vector[Math.floor(number / SHAPES)] = 1;
  vector[COLOURS + (number % SHAPES)] = 1;
  return vector;
}

/** All objects, colour by colour. */
export const OBJECTS: readonly number[][] = Array.from({ length: COLOURS * SHAPES }, (_, number) => objectOf(number));

/** A batch of rounds. */
export interface Rounds {
  /** For each round the object that is meant. */
  targets: number[];
  /** For each round the different objects to choose from, the meant one among them. */
  candidates: number[][];
}

/** Draws rounds: the target anywhere among the candidates. */
export function drawRounds(count: number, stream: RandomStream): Rounds {
  const candidates = Array.from({ length: count }, () => [
    ...stream.permutation(OBJECTS.length).subarray(0, CANDIDATES),
  ]);
  return { candidates, targets: candidates.map((choice) => choice[stream.integer(CANDIDATES)] as number) };
}
