export { accelerateWasm, type WasmAcceleration } from '../kernels/wasm/accelerate.js';
export type { Simd } from '../kernels/wasm/module.js';
