import { linspace, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireOneOf } from '../core/checks.js';
import type { MLPForm } from './mlp_remap.js';

/** Configuration of an MLP that remaps details. */
export interface MLPRemapForm {
  /** Units of each hidden layer. Default six layers of 16. */
  hidden?: readonly number[];
  /** Default `'relu'`. */
  activation?: 'relu' | 'tanh';
  /** Normalise the units before the activation, by their statistics over an even grid of details. Default true. */
  batchNorm?: boolean;
  /** m(d) = d + MLP(d), which starts as d; else m(d) = MLP(d), as the paper writes it. Default true. */
  residual?: boolean;
  /** Increasing by construction: kernels that are not negative, units that bend either way. Default false. */
  monotone?: boolean;
}

/** Details at which the batch norm takes its statistics; odd, so that 0 is one of them. */
const GRID = 2049;

/** The grid of details, `[GRID, 1]`. */
export function detailGrid(span: number): Tensor {
  return reshape(linspace(-span, span, GRID), [GRID, 1]);
}

/** Checks the form of an MLP and fills in its defaults. */
export function checkedForm(owner: string, config: MLPRemapForm): MLPForm {
  const { hidden = [16, 16, 16, 16, 16, 16], activation = 'relu' } = config;
  if (!Array.isArray(hidden) || hidden.length === 0)
    throw argumentError(owner, 'hidden', 'a list of at least one width', hidden);
  return {
    hidden: hidden.map((units, i) => requireInteger(owner, `hidden[${i}]`, units, 1)),
    activation: requireOneOf(owner, 'activation', activation, ['relu', 'tanh']),
    batchNorm: requireBoolean(owner, 'batchNorm', config.batchNorm ?? true),
    residual: requireBoolean(owner, 'residual', config.residual ?? true),
    monotone: requireBoolean(owner, 'monotone', config.monotone ?? false),
  };
}
