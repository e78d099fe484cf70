/**
 * The laws that every layer and callback obeys, on a backend that `npm test` does not run them on; on webgpu, of which nothing
 * can be read without a wait, that layers compute what they do on cpu:
 *
 *     npm run contract -- webgpu
 *     npm run contract -- webgpu --laws
 *     npm run contract -- webgl --accelerated
 *     npm run contract -- wasm --accelerated
 */
import { spawnSync } from 'node:child_process';

const [backend = '', ...more] = process.argv.slice(2);
if (!['wasm', 'webgl', 'webgpu'].includes(backend)) {
  console.error(`contract: BACKEND must be wasm, webgl or webgpu, received "${backend}".`);
  process.exit(1);
}
const project = backend === 'wasm' ? 'node' : 'browser';
const options = more.filter((argument) => !['--accelerated', '--laws'].includes(argument));
/** The laws read with `dataSync`, after which a WebGPU device is of no use: there a test of its own reads without. */
const laws = ['test/contract/layers.test.ts', 'test/contract/callbacks'];
const files = backend !== 'webgpu' || more.includes('--laws') ? laws : ['test/contract/layers.webgpu.test.ts'];
const env = {
  ...process.env,
  TEST_BACKEND: backend,
  TEST_ACCELERATED: more.includes('--accelerated') ? '1' : '',
  // A browser of its own, prepared modules of its own: see vitest.config.ts.
  TEST_SHARD: `contract-${backend}`,
};
const command = ['vitest', 'run', '--project', project, ...files, ...options];
process.exit(spawnSync('npx', command, { env, stdio: 'inherit' }).status ?? 1);
