import type { TileAttrs } from '@tensorflow/tfjs-core';
import { inputOf, isPlain, type WasmKernel } from './kernel.js';
import { copyLayout, stridesOf } from './layout.js';

/** `Tile`: copies along axes that do not move in the source. The gradient of a batch norm spends most of its time here. */
const tile: WasmKernel = {
  name: 'Tile',
  run: (call) => {
    const x = inputOf(call, 'x');
    if (!isPlain(x)) return undefined;
    const { reps } = call.attrs as unknown as TileAttrs;
    const shape = x.shape.map((size, i) => size * (reps[i] ?? 1));
    const [from, to] = [stridesOf(x.shape), stridesOf(shape)];
    const axes = x.shape.flatMap((size, i) => {
      const [source = 1, target = 1] = [from[i], to[i]];
      return [
        { size: reps[i] ?? 1, from: 0, to: size * target },
        { size, from: source, to: target },
      ];
    });
    const out = call.host.output(shape, x.dtype);
    copyLayout(call.host, call.host.pointer(x), call.host.pointer(out), axes);
    return out;
  },
};

export const tileKernels: readonly WasmKernel[] = [tile];
