/** Runs one bench: `npm run bench -- cropr`. */
import { argv } from 'node:process';

const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  callbacks: () => import('./callbacks.js'),
  cropr: () => import('./cropr.js'),
  'cropr-dense': () => import('./cropr_dense.js'),
  'label-flow': () => import('./label_flow.js'),
  'local-laplacian': () => import('./local_laplacian.js'),
  tokens: () => import('./tokens.js'),
  wasm: () => import('./wasm.js'),
  webgl: () => import('./webgl.js'),
};

const chosen = argv[2] ?? '';
const bench = benches[chosen];
if (bench === undefined) {
  console.error(`bench: NAME must be one of ${Object.keys(benches).join(', ')}, received "${chosen}".`);
  process.exitCode = 1;
} else {
  await bench();
}
