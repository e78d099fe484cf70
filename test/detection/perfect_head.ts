import * as tf from '@tensorflow/tfjs';
import { vi } from 'vitest';
import { type DetectConfig, type Detection, detect } from '../../src/detection/detect.js';
import { headOf } from '../../src/detection/detection_head_layer.js';
import { type DetectionObject, detectionTargets } from '../../src/detection/detection_targets.js';

/** What a head would have to say so that its detections are the objects: the targets, as logits and logarithms. */
export function perfectOutputs(objects: readonly (readonly DetectionObject[])[], model: tf.LayersModel): tf.Tensor {
  const { classes, prototypes } = headOf('perfectOutputs', model).options;
  return tf.tidy(() => {
    const [cells] = detectionTargets(objects, model) as [tf.Tensor];
    const units = cells.shape[2] as number;
    const values = cells.dataSync().map((value, i) => {
      const place = i % units;
      if (place < classes) return value === 1 ? 9 : -9;
      if (place < classes + 4) return Math.log(Math.max(value, 1e-6));
      if (place === classes + 4) return value > 0.3 ? 9 : -9;
      if (place < classes + 5 + prototypes) return value;
      return value - 0.5;
    });
    return tf.tensor(values, cells.shape);
  });
}

/** The detections where a model's cells are these numbers, which it disposes of. */
export async function detectIn(
  model: tf.LayersModel,
  outputs: tf.Tensor,
  config: DetectConfig = {},
): Promise<Detection[][]> {
  const size = (model.inputs[0]?.shape ?? []).slice(1) as number[];
  const images = tf.zeros([outputs.shape[0] as number, ...size]);
  const spy = vi.spyOn(model, 'predict').mockImplementation(() => tf.clone(outputs));
  try {
    return await detect(model, images, { scoreThreshold: 0.5, ...config });
  } finally {
    spy.mockRestore();
    tf.dispose([images, outputs]);
  }
}
