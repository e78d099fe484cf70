export { accelerateCpu } from './cpu/accelerate.js';
export type { Acceleration } from './install.js';
export { accelerateWebgl } from './webgl/accelerate.js';
export { WebglContextLost, type WebglWatch, watchWebgl } from './webgl/watch.js';
