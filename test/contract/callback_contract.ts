import { describe, expect, it } from 'vitest';
import { TrainingCallback } from '../../src/core/callback.js';
import { onEachBackend } from '../setup/backends.js';
import * as laws from './callback_laws.js';
import type { CallbackRow } from './callbacks.js';

/** Holds each row to the laws on every backend, and a module to have a row for each callback that it exports. */
export function describeCallbacks(rows: readonly CallbackRow[], module: Readonly<Record<string, unknown>>): void {
  onEachBackend(() => {
    describe.each([...rows])('$name', (row) => {
      it('has a config and a state of plain JSON', () => laws.plainJson(row));
      it('acts in the stated epochs on the stated weights, and nowhere else', () => laws.actsAsStated(row));
      it('works beside early stopping and custom callbacks, in any order', () => laws.besideOthers(row));
      it('resumes at any epoch to the bit', () => laws.resumesExactly(row));
      it('is undone when fit throws', () => laws.restoresWhenFitThrows(row));
      it('serves twice', () => laws.servesTwice(row));
      it('leaves no tensor behind', () => laws.leavesNoTensors(row));
      it('works in fitDataset', () => laws.worksInFitDataset(row));
    });
  });

  describe('the registry', () => {
    it('has a row for every callback that the module exports', () => {
      const exported = Object.values(module).filter(
        (value) => typeof value === 'function' && value.prototype instanceof TrainingCallback,
      );
      const listed = new Set(rows.map(({ create }) => create().constructor));
      expect(new Set(exported)).toEqual(listed);
      expect(listed.size).toBeGreaterThan(0);
    });

    it('names no row twice', () => {
      expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    });
  });
}
