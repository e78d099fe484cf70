import type { serialization, Tensor } from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { deriveSeed, type UniformStream, uniformStream } from './random.js';

/** Arguments that every layer accepts: `name`, `trainable`, `inputShape`, ... */
export type LayerArgs = NonNullable<ConstructorParameters<typeof layers.Layer>[0]>;

/** The shape of one input; `null` stands for an open batch. */
export type Shape = Array<number | null>;

type LayerWeight = ReturnType<InstanceType<typeof layers.Layer>['addWeight']>;
type Initializer = ReturnType<typeof initializers.zeros>;

/** The law that a weight is drawn from. */
export type WeightLaw = 'zeros' | 'ones' | { truncatedNormal: number } | { uniformFanIn: true };

/** Inputs of a layer as a list, whether tfjs hands over one or several. */
export function asList<T>(inputs: T | T[]): T[] {
  return Array.isArray(inputs) ? inputs : [inputs];
}

/** Shapes of the inputs as a list; a shape is itself a list, of numbers. */
export function shapeList(shapes: Shape | Shape[]): Shape[] {
  return Array.isArray(shapes[0]) ? (shapes as Shape[]) : [shapes as Shape];
}

/**
 * Base of the library's layers: named weights drawn from a seed that is kept in the config, and a config that is exactly
 * what the constructor took.
 */
export abstract class SeededLayer extends layers.Layer {
  /** Random streams drawn in training so far; a checkpoint keeps the count, so that training resumes exactly. */
  draws = 0;
  private readonly named = new Map<string, LayerWeight>();

  protected constructor(
    args: LayerArgs,
    /** Seed of the initial weights and of what the layer draws while training. */
    protected readonly seed: number,
  ) {
    super(args);
  }

  /** Adds a trainable float32 weight. */
  protected addNamedWeight(name: string, shape: number[], law: WeightLaw): void {
    this.named.set(name, this.addWeight(name, shape, 'float32', this.initializer(name, law)));
  }

  private initializer(name: string, law: WeightLaw): Initializer {
    const seed = deriveSeed(this.seed, name);
    if (law === 'zeros') return initializers.zeros();
    if (law === 'ones') return initializers.ones();
    if ('truncatedNormal' in law) return initializers.truncatedNormal({ stddev: law.truncatedNormal, seed });
    return initializers.varianceScaling({ scale: 1 / 3, mode: 'fanIn', distribution: 'uniform', seed });
  }

  /** The next stream for what the layer draws at random in training. */
  protected nextStream(purpose: string): UniformStream {
    return uniformStream(this.seed, purpose, this.draws++);
  }

  /** The current value of a weight that the layer has. */
  protected weight(name: string): Tensor {
    return (this.named.get(name) as LayerWeight).read();
  }

  /** The arguments of this class, as JSON. */
  protected abstract config(): serialization.ConfigDict;

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config(), seed: this.seed };
  }
}
