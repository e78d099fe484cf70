import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type LayerSelection, nearest, selectLayers } from '../../src/core/layer_selection.js';
import { onEachBackend } from '../setup/backends.js';

/** in -> stem -> (left, right) -> join -> nested(a, b) -> head */
function branched(): tf.LayersModel {
  const nested = tf.sequential({ name: 'nested' });
  nested.add(tf.layers.dense({ name: 'a', units: 2, inputShape: [4] }));
  nested.add(tf.layers.dense({ name: 'b', units: 2 }));
  const dense = (name: string, units: number, x: tf.SymbolicTensor): tf.SymbolicTensor =>
    tf.layers.dense({ name, units }).apply(x) as tf.SymbolicTensor;
  const input = tf.input({ shape: [3], name: 'in' });
  const stem = dense('stem', 4, input);
  const left = dense('left', 2, stem);
  const right = dense('right', 2, dense('right_first', 2, stem));
  const join = tf.layers.concatenate({ name: 'join' }).apply([left, right]);
  return tf.model({ inputs: input, outputs: dense('head', 1, nested.apply(join) as tf.SymbolicTensor) });
}

const chosen = (selection: LayerSelection): string[] =>
  selectLayers(branched(), selection, 'Owner', 'layers').map(({ name }) => name);

onEachBackend(() => {
  describe('selectLayers', () => {
    it('takes a name, a list of names, a path and a nested model', () => {
      expect(chosen('stem')).toEqual(['stem']);
      expect(chosen(['head', 'stem'])).toEqual(['stem', 'head']);
      expect(chosen('nested/a')).toEqual(['nested/a']);
      expect(chosen('b')).toEqual(['nested/b']);
      expect(chosen('nested')).toEqual(['nested/a', 'nested/b']);
    });

    it('takes everything before a layer and everything from it, which is the whole model', () => {
      const all = chosen(() => true);
      expect(all.slice(-4)).toEqual(['join', 'nested/a', 'nested/b', 'head']);
      expect(all.indexOf('right_first')).toBeLessThan(all.indexOf('right'));
      for (const name of ['right', 'join', 'nested', 'nested/b', 'b']) {
        expect([...chosen({ before: name }), ...chosen({ from: name })]).toEqual(all);
      }
      expect(chosen({ from: 'nested' })).toEqual(['nested/a', 'nested/b', 'head']);
      expect(chosen({ from: 'nested/b' })).toEqual(['nested/b', 'head']);
    });

    it('takes a predicate', () => {
      expect(chosen((layer, name) => layer.getClassName() === 'Dense' && name.includes('/'))).toEqual([
        'nested/a',
        'nested/b',
      ]);
    });

    it('names the nearest layers for an unknown name', () => {
      expect(() => chosen('steam')).toThrow(
        /^Owner: layers must be the name of a layer of the model \(nearest: "stem", .*\), received "steam"\.$/,
      );
      expect(() => chosen({ before: 'nestd' })).toThrow('received "nestd"');
      expect(() => chosen(['stem', 'haed'])).toThrow('"head"');
    });

    it('refuses a selection of nothing', () => {
      expect(() => chosen(() => false)).toThrow('Owner: layers must be a selection of at least one layer');
      expect(() => chosen([])).toThrow('at least one layer');
      expect(() => chosen({ before: 'in' })).toThrow('at least one layer');
    });

    it('refuses what is no selection', () => {
      for (const bad of [undefined, null, 3, {}, { before: 3 }, [null]]) {
        expect(() => chosen(bad as unknown as LayerSelection)).toThrow(/^Owner: layers must be /);
      }
    });

    it('refuses a name that two nested models have', () => {
      const part = (name: string): tf.Sequential =>
        tf.sequential({ name, layers: [tf.layers.dense({ name: 'same', units: 2, inputShape: [2] })] });
      const model = tf.sequential({ layers: [part('one'), part('two')] });
      expect(() => selectLayers(model, 'same', 'Owner', 'from')).toThrow(
        'Owner: from must be the name of one layer ("one/same" or "two/same"), received "same".',
      );
    });
  });

  describe('nearest', () => {
    it('sorts by edit distance', () => {
      expect(nearest('block_1', ['head', 'block_10', 'block_2', 'embed', 'block_1'])).toEqual([
        'block_1',
        'block_10',
        'block_2',
      ]);
    });
  });
});
