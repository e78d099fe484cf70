import { describe, expect, it } from 'vitest';
import { TrainingCallback } from '../../src/core/callback.js';
import * as library from '../../src/index.js';
import { onEachBackend } from '../setup/backends.js';
import * as laws from './callback_laws.js';
import { type CallbackRow, callbackRows } from './callbacks.js';

/** The first row of each class whose order is free, against every other. */
const pairs: [CallbackRow, CallbackRow][] = callbackRows
  .filter((row) => row.orderFree && row.acts.length > 0)
  .filter((row, i, rows) => rows.findIndex((other) => sameClass(row, other)) === i)
  .flatMap((row, i, rows) => rows.slice(i + 1).map((other): [CallbackRow, CallbackRow] => [row, other]));

function sameClass(one: CallbackRow, other: CallbackRow): boolean {
  return one.create().constructor === other.create().constructor;
}

onEachBackend(() => {
  describe.each([...callbackRows])('$name', (row) => {
    it('has a config and a state of plain JSON', () => laws.plainJson(row));
    it('acts in the stated epochs on the stated weights, and nowhere else', () => laws.actsAsStated(row));
    it('works beside early stopping and custom callbacks, in any order', () => laws.besideOthers(row));
    it('resumes at any epoch to the bit', () => laws.resumesExactly(row));
    it('is undone when fit throws', () => laws.restoresWhenFitThrows(row));
    it('serves twice', () => laws.servesTwice(row));
    it('leaves no tensor behind', () => laws.leavesNoTensors(row));
    it('works in fitDataset', () => laws.worksInFitDataset(row));
  });

  describe.each(pairs)('$0.name and $1.name', (one, other) => {
    it('may stand in either order', () => laws.orderMakesNoDifference(one, other));
  });
});

describe('the registry', () => {
  it('has a row for every callback that the library exports', () => {
    const exported = Object.values(library).filter(
      (value) => typeof value === 'function' && value.prototype instanceof TrainingCallback,
    );
    const listed = new Set(callbackRows.map(({ create }) => create().constructor));
    expect(new Set(exported)).toEqual(listed);
    expect(listed.size).toBeGreaterThan(0);
  });

  it('names no row twice', () => {
    expect(new Set(callbackRows.map(({ name }) => name)).size).toBe(callbackRows.length);
  });
});
