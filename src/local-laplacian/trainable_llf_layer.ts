import { add, linspace, mul, ones, serialization, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireNumber, requireOneOf } from '../core/checks.js';
import { asList, type SeededArgs, SeededLayer, type Shape } from '../core/layer.js';
import { fastFilter } from './fast_filter.js';
import { checkedForm, type MLPRemapForm } from './mlp_remap_form.js';
import { REMAP_FORMS } from './remap.js';
import { curveOf, type RemapCurve } from './remap_curve.js';
import {
  type CheckedOptions,
  checkedOptions,
  type FilterOptions,
  filterColor,
  filterStretched,
  requireImage,
  settingFor,
  single,
  windowWeights,
} from './setting.js';
import {
  type CurrentRange,
  type CurrentRemap,
  currentRange,
  currentRemap,
  type RemapStart,
  remapWeights,
  spanOf,
} from './trainable_remaps.js';

/** Configuration of {@link TrainableLLF}. */
export interface TrainableLLFConfig extends SeededArgs, FilterOptions {
  /** The remap function: two forms with three trained numbers, as in `localLaplacian`, or a small network. Default `'gauss'`. */
  remap?: 'gauss' | 'paris' | MLPRemapForm;
  /** First sigma; above `sigmaMin`. Default a fifth of the range, or more where `sigmaMin` asks for it. */
  sigma?: number;
  /** What sigma stays above. Default three quarters of the distance of two samples: below, the result is uneven. */
  sigmaMin?: number;
  /** First alpha. Default 0, for `'paris'` (positive there) 1: the filter starts as the identity. */
  alpha?: number;
  /** First beta. Default 1. */
  beta?: number;
  /** For `'paris'` while alpha is below 1: leave details below 0.01 as they are. Default true. */
  noiseBlend?: boolean;
  /** Learn one remap function for each level but the residual; needs `levels`. Default false. */
  perLevel?: boolean;
  /** Keep the residual of the image, or learn a gain for it. Default `'keep'`. */
  residual?: 'keep' | 'gain';
  /** Learn between which values the samples lie, from `range` on. Default false. */
  trainRange?: boolean;
}

/** The options with their defaults; those that have none may be missing. */
type TrainableLLFOptions = CheckedOptions &
  RemapStart & { readonly perLevel: boolean; readonly residual: 'keep' | 'gain'; readonly trainRange: boolean };

/**
 * The trainable local Laplacian filter: learns from image pairs how strongly details and edges show, as one curve that can
 * be drawn and read.
 *
 * **Input** image `[B, H, W, 1]` float32, or `[B, H, W, 3]` with `color`; nominal values within `range`; H and W may be
 * open. **Output** the same shape, not clipped.
 *
 * **Weights** `'gauss'`: `sigmaRaw` (sigma = sigmaMin + its softplus), `alpha`, `beta`, each `[1]`; `'paris'`: `alphaRaw`
 * (its softplus is alpha) for `alpha`; a network: those of {@link MLPRemap}. With `perLevel` the names end in `Level0`,
 * `Level1`, ... `residualGain [1]` with `residual: 'gain'`. With `trainRange` `low [1]` and `widthRaw [1]`, whose
 * softplus is the width of the range; the noise of `'paris'` stretches along. **Gradients** flow to the image and to all weights, by one
 * hand-written gradient that keeps no image of the forward pass but the input; a network is evaluated once per step, at
 * 2049 details, and is straight between them.
 *
 * **Errors** at construction for numbers out of their bounds, a range that does not rise, `perLevel` without `levels`;
 * when it is connected for another rank or number of channels.
 *
 * Source: Eckert et al., arXiv 2411.07072, after Paris et al. (2011) and Aubry et al. (2014). The three-parameter form, the
 * residual gain and remap functions per level are ours where the paper leaves them open.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { AffineNorm, explainRemap, localLaplacian, TrainableLLF } from 'tfjs-llf';
 *
 * const filter = new TrainableLLF({ samples: 8, levels: 4, inputShape: [32, 32, 1] });
 * const model = tf.sequential({ layers: [filter, new AffineNorm()] });
 * model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanSquaredError' });
 * const raw = tf.randomUniform([4, 32, 32, 1]);
 * const target = localLaplacian(raw, { sigma: 0.2, alpha: 1.5, samples: 8, levels: 4 });
 * await model.fit(raw, target, { epochs: 3, verbose: 0 });
 * console.log(explainRemap(filter.remapCurve(201)));
 * ```
 */
export class TrainableLLF extends SeededLayer<TrainableLLFOptions> {
  static readonly className: string = 'LLFTrainableLLF';

  constructor(config: TrainableLLFConfig = {}) {
    const owner = 'TrainableLLF';
    const checked = checkedOptions(owner, config);
    const perLevel = requireBoolean(owner, 'perLevel', config.perLevel ?? false);
    if (perLevel) requireInteger(owner, 'levels', checked.levels, 2);
    super(config, owner, {
      ...checked,
      ...startOf(owner, config, checked),
      perLevel,
      residual: requireOneOf(owner, 'residual', config.residual ?? 'keep', ['keep', 'gain']),
      trainRange: requireBoolean(owner, 'trainRange', config.trainRange ?? false),
    });
  }

  /** What the names of the weights end in, for each remap function. */
  private get suffixes(): string[] {
    const { perLevel, levels = 0 } = this.options;
    return perLevel ? Array.from({ length: levels - 1 }, (_, l) => `Level${l}`) : [''];
  }

  override build(inputShape: Shape | Shape[]): void {
    requireImage(this.owner, inputShape as Shape, this.options.color);
    for (const suffix of this.suffixes) this.addWeights(remapWeights(this.options, suffix));
    if (this.options.trainRange) this.addWeights(windowWeights(this.options.range));
    if (this.options.residual === 'gain') this.addWeights({ residualGain: single(1) });
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const image = asList(inputs)[0] as Tensor;
    const { color, range, trainRange } = this.options;
    const setting = settingFor(this.owner, image, this.options);
    return tidy(() => {
      const { remaps, residualGain, ...current } = this.current();
      const filter = (x: Tensor): Tensor =>
        remaps
          .map(([remap, parameters], l) => {
            const band = remaps.length === 1 ? setting : { ...setting, from: l, to: l + 1 };
            // Each remap function makes its levels; the residual comes with the first.
            return fastFilter(x, l === 0 ? residualGain : zerosLike(residualGain), remap, parameters, band);
          })
          .reduce((sum, part) => add(sum, part));
      return filterColor(image, color, (x) => (trainRange ? filterStretched(x, current, range[0], filter) : filter(x)));
    });
  }

  /** What the weights make. */
  private current(): CurrentRange & { remaps: CurrentRemap[]; residualGain: Tensor } {
    const { suffixes, options } = this;
    const weights = this.values<Record<string, Tensor>>();
    const range = currentRange(options.range, weights);
    const remaps = suffixes.map((suffix) => currentRemap(options, weights, suffix, range.stretch));
    return { ...range, remaps, residualGain: weights['residualGain'] ?? ones([1]) };
  }

  /** Between which values the samples lie, `[low, high]`, as trained by now. Reads the weights: not for use within a training step. */
  trainedRange(): [low: number, high: number] {
    const { range } = this.options;
    return tidy(() => {
      const { low, stretch } = currentRange(range, this.values());
      return [low, add(mul(stretch, spanOf(range)), low)].map((end) => end.dataSync()[0]);
    }) as [number, number];
  }

  /**
   * What the filter does to details, at `count` of them from −(high − low) to high − low; with `perLevel` at that level,
   * the finest being 0. Reads the weights: not for use within a training step.
   */
  remapCurve(count = 201, level = 0): RemapCurve {
    const { suffixes, options } = this;
    requireInteger(this.owner, 'count', count, 3);
    requireInteger(this.owner, 'level', level, 0, suffixes.length - 1);
    if (!this.built) throw argumentError(this.owner, 'layer', 'connected before its curve is read', this.name);
    const span = spanOf(options.range);
    const [details, values] = tidy(() => {
      const { remaps, stretch } = this.current();
      const [remap, parameters] = remaps[level] as CurrentRemap;
      const detail = linspace(-span, span, count);
      return [detail, remap.value(detail, parameters)].map((x) => [...mul(x, stretch).dataSync()]);
    }) as [number[], number[]];
    return curveOf(details, values);
  }
}
serialization.registerClass(TrainableLLF);

function startOf(owner: string, config: TrainableLLFConfig, { range, samples }: CheckedOptions): RemapStart {
  const span = spanOf(range);
  const { remap = 'gauss' } = config;
  const form = typeof remap === 'object' ? checkedForm(owner, remap) : requireOneOf(owner, 'remap', remap, REMAP_FORMS);
  const isParis = remap === 'paris';
  const sigmaMin = requireNumber(owner, 'sigmaMin', config.sigmaMin ?? (0.75 * span) / (samples - 1), Number.MIN_VALUE);
  const sigma = requireNumber(owner, 'sigma', config.sigma ?? Math.max(0.2 * span, 1.5 * sigmaMin));
  if (sigma <= sigmaMin) throw argumentError(owner, 'sigma', `above sigmaMin, ${sigmaMin}`, sigma);
  return {
    remap: form,
    sigma,
    sigmaMin,
    alpha: requireNumber(owner, 'alpha', config.alpha ?? (isParis ? 1 : 0), isParis ? Number.MIN_VALUE : undefined),
    beta: requireNumber(owner, 'beta', config.beta ?? 1),
    noiseBlend: requireBoolean(owner, 'noiseBlend', config.noiseBlend ?? true),
    range,
  };
}
