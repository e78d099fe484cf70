import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { TrainingCallback } from '../../src/core/callback.js';
import * as library from '../../src/node/index.js';
import { onEachBackend } from '../setup/backends.js';
import * as laws from './callback_laws.js';
import type { CallbackRow } from './callbacks.js';

/** A stream that takes everything and shows nothing. */
function sink(isTTY: boolean): Writable {
  return Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY, columns: 80 });
}

/** The public callbacks that only Node has. */
const rows: readonly CallbackRow[] = [true, false].map((isTTY) => ({
  name: `ProgressBar ${isTTY ? 'on a terminal' : 'elsewhere'}`,
  create: () => new library.ProgressBar({ stream: sink(isTTY) }),
  acts: [],
  weights: [],
  slots: [],
  logs: [],
  orderFree: false,
}));

onEachBackend(() => {
  describe.each([...rows])('$name', (row) => {
    it('has a config and a state of plain JSON', () => laws.plainJson(row));
    it('changes nothing', () => laws.actsAsStated(row));
    it('works beside early stopping and custom callbacks, in any order', () => laws.besideOthers(row));
    it('resumes at any epoch to the bit', () => laws.resumesExactly(row));
    it('is undone when fit throws', () => laws.restoresWhenFitThrows(row));
    it('serves twice', () => laws.servesTwice(row));
    it('leaves no tensor behind', () => laws.leavesNoTensors(row));
    it('works in fitDataset', () => laws.worksInFitDataset(row));
  });
});

describe('the registry', () => {
  it('has a row for every callback that tfjs-llf/node exports', () => {
    const exported = Object.values(library).filter(
      (value) => typeof value === 'function' && value.prototype instanceof TrainingCallback,
    );
    expect(new Set(exported)).toEqual(new Set(rows.map(({ create }) => create().constructor)));
  });
});
