/** Runs one experiment: `npm run experiment -- cropr`. */
import { argv } from 'node:process';

const experiments: Readonly<Record<string, () => Promise<unknown>>> = {
  cropr: () => import('./cropr/index.js'),
  detection: () => import('./detection/index.js'),
  'detection-picture': () => import('./detection/picture.js'),
  ke: () => import('./forgetting/ke.js'),
  'label-flow': () => import('./label_flow/index.js'),
  'label-flow-clouds': () => import('./label_flow/completion.js'),
  'label-flow-text': () => import('./label_flow/text.js'),
  'label-flow-pairs': () => import('./label_flow/pairs.js'),
  'label-flow-regression': () => import('./label_flow/regression.js'),
  'label-flow-samples': () => import('./label_flow/samples.js'),
  lewis: () => import('./lewis/index.js'),
  llf: () => import('./forgetting/llf.js'),
  seal: () => import('./forgetting/seal.js'),
  segmentation: () => import('./segmentation/index.js'),
  'segmentation-picture': () => import('./segmentation/picture.js'),
  targeted: () => import('./targeted/index.js'),
  'xray-style': () => import('./xray_style/index.js'),
  'xray-style-picture': () => import('./xray_style/picture.js'),
};

const chosen = argv[2] ?? '';
const experiment = experiments[chosen];
if (experiment === undefined) {
  console.error(`experiment: NAME must be one of ${Object.keys(experiments).join(', ')}, received "${chosen}".`);
  process.exitCode = 1;
} else {
  await experiment();
}
