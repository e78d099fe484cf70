import {
  backend as currentBackend,
  findBackendFactory,
  getBackend,
  ready,
  registerBackend,
  removeBackend,
  setBackend,
} from '@tensorflow/tfjs-core';
import { missingInternals, type WebGLBackend } from './backend.js';

/** The browser has taken the WebGL context away, and with it all numbers that were only on the device. */
export class WebglContextLost extends Error {
  constructor() {
    super(
      'The WebGL context is lost: the browser or the driver has reset the GPU, and tensors and weights that were on it are gone. ' +
        'Call restart() of watchWebgl() and load the model again.',
    );
    this.name = 'WebglContextLost';
  }
}

/** A watched WebGL backend. */
export interface WebglWatch {
  /** Comes when the context is lost. It never rejects. */
  readonly lost: Promise<WebglContextLost>;
  /**
   * Puts a fresh backend in the place of this one and watches that. Kernels that were installed stay. Tensors of the old backend
   * cannot be computed with, only disposed; what was saved can be loaded.
   */
  restart(): Promise<WebglWatch>;
}

const watched = new WeakMap<object, WebglWatch>();

/**
 * Makes a lost WebGL context an error. A browser takes the context away when the GPU is reset, when its memory is full, or when a
 * phone puts the page to sleep. tfjs does not notice: reads of tensors then give zeros, `data()`, and so `fit`, never
 * ends, and after the browser has restored the context everything is 0. With the watch, whatever would compute or read
 * there throws {@link WebglContextLost}, reads that wait reject with it, and `lost` resolves. Numbers that never were on the
 * device can still be read. Call it after `tf.setBackend('webgl')`; `accelerateWebgl()` does so too; a second call returns the
 * same watch.
 *
 * Weights that were trained on the device are gone with it. Save them now and then if they matter.
 *
 * @throws If the current backend is not `webgl`, or not that of tfjs 4.22.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { WebglContextLost, watchWebgl } from 'tfjs-llf/kernels';
 *
 * async function train(x: tf.Tensor, y: tf.Tensor): Promise<void> {
 *   const model = await tf.loadLayersModel('indexeddb://model');
 *   model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
 *   const watch = watchWebgl();
 *   try {
 *     await model.fit(x, y, { callbacks: { onEpochEnd: async () => void (await model.save('indexeddb://model')) } });
 *   } catch (error) {
 *     if (!(error instanceof WebglContextLost)) throw error;
 *     model.dispose();
 *     await watch.restart();
 *     // Data must be made anew too: x and y were on the device. Then go on with the model as it was last saved.
 *   }
 * }
 * console.log(tf.getBackend() === 'webgl', typeof train);
 * ```
 */
export function watchWebgl(): WebglWatch {
  if (getBackend() !== 'webgl')
    throw new Error(
      `watchWebgl: backend must be "webgl" (call tf.setBackend('webgl') first), received "${getBackend()}".`,
    );
  const backend = currentBackend() as WebGLBackend;
  const missing = missingInternals(backend);
  if (missing) throw new Error(`watchWebgl: backend must be that of tfjs 4.22, received one without ${missing}.`);
  const known = watched.get(backend);
  if (known) return known;
  const watch = { lost: watchBackend(backend), restart };
  watched.set(backend, watch);
  return watch;
}

/** Lets a backend throw from the loss of its context on. */
function watchBackend(backend: WebGLBackend): Promise<WebglContextLost> {
  const { gpgpu } = backend;
  const { gl } = gpgpu;
  const waiting = new Set<(error: Error) => void>();
  let error: WebglContextLost | undefined;
  let announce: (error: WebglContextLost) => void;
  const lost = new Promise<WebglContextLost>((resolve) => {
    announce = resolve;
  });

  const lose = (): WebglContextLost => {
    if (error) return error;
    error = new WebglContextLost();
    for (const reject of waiting) reject(error);
    waiting.clear();
    // Nothing will be done any more, and the loop would take the processor's time for ever.
    gpgpu.itemsToPoll = [];
    announce(error);
    return error;
  };
  /** A restored context is a lost one too: the programs and numbers are gone. */
  const check = (): void => {
    if (error || gl.isContextLost()) throw lose();
  };
  gl.canvas.addEventListener('webglcontextlost', lose);

  const run = backend.runWebGLProgram.bind(backend);
  backend.runWebGLProgram = (...args) => {
    check();
    return run(...args);
  };
  const download = backend.getValuesFromTexture.bind(backend);
  backend.getValuesFromTexture = (dataId) => {
    check();
    const values = download(dataId);
    check();
    return values;
  };
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    // Without a device: what never was there, or an error.
    if (error || gl.isContextLost()) return backend.readSync(dataId);
    return new Promise((resolve, reject) => {
      waiting.add(reject);
      read(dataId)
        .then((values) => {
          check();
          resolve(values);
        })
        .catch(reject)
        .finally(() => waiting.delete(reject));
    });
  };
  return lost;
}

async function restart(): Promise<WebglWatch> {
  const factory = findBackendFactory('webgl');
  removeBackend('webgl');
  // The rank that tfjs gives it.
  registerBackend('webgl', factory, 2);
  if (!(await setBackend('webgl')))
    throw new Error('watchWebgl: browser must give a new WebGL context, received none.');
  await ready();
  return watchWebgl();
}
