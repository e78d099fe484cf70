import { Writable } from 'node:stream';
import * as library from '../../src/node/index.js';
import { describeCallbacks } from './callback_contract.js';
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

describeCallbacks(rows, library);
