import { env, getBackend } from '@tensorflow/tfjs-core';

/** Whether the current backend keeps numbers as half floats (11 bits): WebGL on a device that cannot render float32. */
export function keepsHalfFloats(): boolean {
  return getBackend() === 'webgl' && !env().getBool('WEBGL_RENDER_FLOAT32_ENABLED');
}
