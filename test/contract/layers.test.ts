import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import '../../src/index.js';
import { onEachBackend } from '../setup/backends.js';
import { gradientsAreSlopes, noOtherGradients } from './layer_gradient_laws.js';
import * as laws from './layer_laws.js';
import { layerRows } from './layers.js';

onEachBackend((backend) => {
  describe.each([...layerRows])('$name', (row) => {
    it('is what its config says, and the config is JSON', () => laws.configRoundTrip(row));
    it('predicts the same bits once saved and loaded', () => laws.saveAndLoad(row));
    it('has the shapes it announces, for any batch', () => laws.shapes(row));
    it('gives a batch of one what it gives in a larger batch', () => laws.batchOfOne(row));
    it('has the gradients of finite differences, for every weight and input', () => gradientsAreSlopes(row));
    it('passes no gradient where none is meant', () => noOtherGradients(row));
    it('lives twice in one model', () => laws.twoInstances(row));
    it('leaves no tensor behind', () => laws.noLeak(row));
    // Against itself the law would hold by itself.
    if (backend !== 'cpu') it('agrees with the cpu backend, gradients too', () => laws.agreesWithCpu(row));
  });
});

describe('the registry', () => {
  it('has a row for every layer that the library registers', () => {
    const registered = Object.keys(tf.serialization.SerializationMap.getMap().classNameMap);
    const ours = registered.filter((name) => name.startsWith('LLF'));
    const listed = new Set(layerRows.map(({ create }) => create('layer').getClassName()));
    expect([...listed].sort()).toEqual(ours.sort());
    expect(ours.length).toBeGreaterThan(0);
  });

  it('names no row twice', () => {
    expect(new Set(layerRows.map(({ name }) => name)).size).toBe(layerRows.length);
  });
});
