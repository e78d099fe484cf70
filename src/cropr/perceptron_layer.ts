import { SeededLayer, type WeightLaw } from '../core/layer.js';
import type { Perceptron } from './aggregation.js';

/** Standard deviation of a dense kernel at the start, as in the authors' code. */
export const KERNEL_STD: number = 0.02;
/** The law that dense kernels, tokens and positions are drawn from. */
export const DENSE: WeightLaw = { truncatedNormal: KERNEL_STD };

/** A layer with a normalised two-layer perceptron among its weights: the transformer block and the auxiliary head. */
export abstract class PerceptronLayer extends SeededLayer {
  protected addPerceptron(dim: number, hidden: number, law: WeightLaw = DENSE): void {
    this.addNamedWeight('mlpGamma', [dim], 'ones');
    this.addNamedWeight('mlpBeta', [dim], 'zeros');
    this.addNamedWeight('fc1Kernel', [dim, hidden], law);
    this.addNamedWeight('fc1Bias', [hidden], 'zeros');
    this.addNamedWeight('fc2Kernel', [hidden, dim], law);
    this.addNamedWeight('fc2Bias', [dim], 'zeros');
  }

  protected get perceptron(): Perceptron {
    return {
      gamma: this.weight('mlpGamma'),
      beta: this.weight('mlpBeta'),
      kernel1: this.weight('fc1Kernel'),
      bias1: this.weight('fc1Bias'),
      kernel2: this.weight('fc2Kernel'),
      bias2: this.weight('fc2Bias'),
    };
  }
}
