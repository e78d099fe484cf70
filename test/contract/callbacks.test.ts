import { describe, it } from 'vitest';
import * as library from '../../src/index.js';
import { onEachBackend } from '../setup/backends.js';
import { describeCallbacks } from './callback_contract.js';
import { orderMakesNoDifference } from './callback_laws.js';
import { type CallbackRow, callbackRows } from './callbacks.js';

/** The first row of each class whose order is free, against every other. */
const pairs: [CallbackRow, CallbackRow][] = callbackRows
  .filter((row) => row.orderFree && row.acts.length > 0)
  .filter((row, i, rows) => rows.findIndex((other) => sameClass(row, other)) === i)
  .flatMap((row, i, rows) => rows.slice(i + 1).map((other): [CallbackRow, CallbackRow] => [row, other]));

function sameClass(one: CallbackRow, other: CallbackRow): boolean {
  return one.create().constructor === other.create().constructor;
}

describeCallbacks(callbackRows, library);

onEachBackend(() => {
  describe.each(pairs)('$0.name and $1.name', (one, other) => {
    it('may stand in either order', () => orderMakesNoDifference(one, other));
  });
});
