/** Jasmine and the WASM backend, made ready before the first test file is read. */
import { resolve } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { setBackend } from '@tensorflow/tfjs-core';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import jasmineCore from 'jasmine-core';
import { accelerateWasm } from '../../src/wasm/index.js';
import type { SuiteReport } from './report.js';

const jasmine = jasmineCore.boot();
const suite = jasmine.getEnv();
suite.configure({ random: false, forbidDuplicateNames: false });
setTestEnvs([{ name: 'wasm', backendName: 'wasm', isDataSync: true }]);
setWasmPaths(`${resolve('node_modules/@tensorflow/tfjs-backend-wasm/dist')}/`);

/** Installs the kernels, if asked to, and runs all specs that were read. */
export async function runSuite(): Promise<SuiteReport> {
  const failed: { name: string; message: string }[] = [];
  let [passed, pending] = [0, 0];
  suite.addReporter({
    specDone: ({ status, fullName, failedExpectations }) => {
      if (status === 'passed') passed++;
      else if (status === 'failed') failed.push({ name: fullName, message: failedExpectations[0]?.message ?? '' });
      else pending++;
    },
  });
  await setBackend('wasm');
  if (!process.env['TFJS_SUITE_STOCK']) {
    const { warning } = await accelerateWasm();
    if (warning) throw new Error(warning);
  }
  await suite.execute();
  return { passed, failed, pending };
}
