import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { LaterLayerForgetting, TransformerBlock } from '../../src/index.js';
import { accelerateWebgl, WebglContextLost, type WebglWatch, watchWebgl } from '../../src/kernels/index.js';
import { hasFused } from '../../src/ops/fused.js';
import { onEachBackend } from '../setup/backends.js';

interface Context {
  readonly canvas: EventTarget;
  lose(): void;
  restore(): Promise<void>;
}

/** The context of the current backend, and what the browser may do to it. */
function contextOf(): Context {
  const { gl } = (tf.backend() as unknown as { gpgpu: { gl: WebGL2RenderingContext } }).gpgpu;
  const extension = gl.getExtension('WEBGL_lose_context');
  const { canvas } = gl;
  return {
    canvas,
    lose: () => extension?.loseContext(),
    restore: async () => {
      // Not before all listeners know of the loss.
      await new Promise((resolve) => setTimeout(resolve));
      const restored = new Promise((resolve) => canvas.addEventListener('webglcontextrestored', resolve));
      extension?.restoreContext();
      await restored;
    },
  };
}

/** Numbers that are on the device only. */
function onDevice(): tf.Tensor {
  return tf.tidy(() => tf.matMul(tf.ones([20, 20]), tf.ones([20, 20])));
}

function smallModel(): tf.LayersModel {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 16, inputShape: [4, 16], activation: 'relu', kernelInitializer }),
      new TransformerBlock({ heads: 2, seed: 1 }),
      tf.layers.dense({ units: 2, name: 'last', kernelInitializer }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  return model;
}

async function predict(model: tf.LayersModel): Promise<unknown> {
  const output = tf.tidy(() => model.predict(tf.reshape(tf.linspace(0, 1, 128), [2, 4, 16])) as tf.Tensor);
  return output.array().finally(() => output.dispose());
}

/** Whether a promise has come after so long. */
function comes(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => {
      setTimeout(() => resolve(false), milliseconds);
    }),
  ]);
}

onEachBackend(() => {
  describe('tfjs without a watch', () => {
    it('takes a lost context for zeros, or waits for ever', async () => {
      const x = onDevice();
      const context = contextOf();
      context.lose();
      expect(await comes(x.data(), 300)).toBe(false);
      expect(
        tf
          .add(onDevice(), 1)
          .dataSync()
          .every((value) => value === 0),
      ).toBe(true);
      await context.restore();
      expect(
        onDevice()
          .dataSync()
          .every((value) => value === 0),
      ).toBe(true);
      // A watch that comes too late finds it out too.
      const watch = watchWebgl();
      await watch.restart();
      expect(onDevice().dataSync()[0]).toBe(20);
    });
  });

  describe('watchWebgl', () => {
    let watch: WebglWatch;
    beforeEach(() => {
      watch = watchWebgl();
    });

    it('changes nothing as long as the context is there, and is one for each backend', async () => {
      expect(watchWebgl()).toBe(watch);
      expect((await onDevice().data())[0]).toBe(20);
      expect(onDevice().dataSync()[0]).toBe(20);
      expect(await comes(watch.lost, 1)).toBe(false);
    });

    it('lets all that needs the device throw once the context is lost, also after the browser has restored it', async () => {
      const [x, sent] = [onDevice(), tf.tensor1d([1, 2, 3])];
      const [early, context] = [x.data(), contextOf()];
      context.lose();
      const wanted = await watch.lost;
      expect(wanted).toBeInstanceOf(WebglContextLost);
      await expect(early).rejects.toBe(wanted);
      await expect(x.data()).rejects.toBe(wanted);
      expect(() => x.dataSync()).toThrow(wanted);
      expect(() => tf.add(x, 1)).toThrow(/WebGL context is lost.*restart\(\) of watchWebgl\(\)/);
      await context.restore();
      expect(() => onDevice()).toThrow(wanted);
      expect([...sent.dataSync()], 'numbers that were never on the device').toEqual([1, 2, 3]);
      await watch.restart();
    });

    it('stops a fit, and what was saved works on the next context', async () => {
      expect((await accelerateWebgl()).warning).toBe('');
      const model = smallModel();
      const before = await predict(model);
      let saved: tf.io.ModelArtifacts = {};
      await model.save(
        tf.io.withSaveHandler(async (artifacts) => {
          saved = artifacts;
          return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
        }),
      );
      const images = tf.ones([4, 4, 16]);
      const context = contextOf();
      const training = model.fit(images, tf.zeros([4, 4, 2]), {
        epochs: 5,
        verbose: 0,
        callbacks: [
          new LaterLayerForgetting({ generations: 5, epochsPerGeneration: 1, from: 'last' }),
          new tf.CustomCallback({ onEpochBegin: async (epoch) => (epoch === 2 ? context.lose() : undefined) }),
        ],
      });
      await expect(training).rejects.toBeInstanceOf(WebglContextLost);
      await expect(predict(model)).rejects.toBeInstanceOf(WebglContextLost);

      const next = await watch.restart();
      expect(next).toBe(watchWebgl());
      expect(next).not.toBe(watch);
      expect(hasFused('LLFSelfAttention')).toBe(true);
      expect(() => tf.add(images, 1), 'the numbers are gone').toThrow(WebglContextLost);
      model.dispose();
      const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
      expect(await predict(loaded)).toEqual(before);
      loaded.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      const { history } = await loaded.fit(tf.ones([4, 4, 16]), tf.zeros([4, 4, 2]), { epochs: 1, verbose: 0 });
      expect(history['loss']?.[0]).toBeGreaterThan(0);
      (await accelerateWebgl()).dispose();
    });

    it('says which backend it needs', async () => {
      await tf.setBackend('cpu');
      expect(() => watchWebgl()).toThrow('watchWebgl: backend must be "webgl"');
      await tf.setBackend('webgl');
    });
  });
});
