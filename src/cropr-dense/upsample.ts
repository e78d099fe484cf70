import { image, matMul, reshape, type Tensor, type Tensor4D, tensor3d } from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';

/** `[1, from, to]`: the share of each old place in each new one, half-pixel centres, the border repeated. */
function adjointShares(from: number, to: number): Tensor {
  const shares = new Float32Array(from * to);
  for (let i = 0; i < to; i++) {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, from - 1);
    shares[low * to + i] = (shares[low * to + i] as number) + 1 - (place - low);
    shares[high * to + i] = (shares[high * to + i] as number) + (place - low);
  }
  return tensor3d(shares, [1, from, to]);
}

/**
 * Bilinear resizing with half-pixel centres (`align_corners=False`): `x [B, h, w, C]` → `[B, H, W, C]`.
 *
 * The gradient flows to `x`. It is written by hand, two products: tfjs's own ignores the half-pixel centres, and its WASM
 * backend has none.
 */
export function upsampleBilinear(x: Tensor, [height, width]: readonly [number, number]): Tensor {
  const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
  return withGradient(
    [x],
    (x) => ({ value: image.resizeBilinear(x as Tensor4D, [height, width], false, true), saved: {} }),
    (dy) => {
      const inRows = matMul(adjointShares(rows, height), reshape(dy, [batch, height, width * channels]));
      const inCells = matMul(adjointShares(columns, width), reshape(inRows, [batch * rows, width, channels]));
      return [reshape(inCells, [batch, rows, columns, channels])];
    },
  );
}
