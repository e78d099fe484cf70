/** Puts the digits beside the pages: into the build, and behind the server while one works on them. */
import type { Plugin } from 'vite';
import { loadMnist } from '../../data/mnist.js';
import { DIGITS_FILE, type DigitSet, HELD, joinDigits, partOf, TRAINED } from './digits.js';

async function digitsFile(): Promise<Uint8Array> {
  const sets = await Promise.all([loadMnist('train'), loadMnist('test')]);
  const [train, test] = sets.map((set, i) => partOf(set, 0, i === 0 ? TRAINED : HELD)) as [DigitSet, DigitSet];
  const join = (key: keyof DigitSet): Uint8Array => Uint8Array.from([...train[key], ...test[key]]);
  return joinDigits({ pixels: join('pixels'), labels: join('labels') });
}

export const digits: Plugin = {
  name: 'digits',
  async generateBundle() {
    this.emitFile({ type: 'asset', fileName: DIGITS_FILE, source: await digitsFile() });
  },
  configureServer({ middlewares }) {
    middlewares.use(`/${DIGITS_FILE}`, (_, response) => {
      void digitsFile().then((file) => response.end(file));
    });
  },
};
