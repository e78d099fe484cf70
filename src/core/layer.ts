import type { serialization } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import type { WeightLaw } from './laws.js';
import { deriveSeed, resolveSeed } from './random.js';

/** Arguments that every layer accepts: `name`, `trainable`, `inputShape`, ... */
export type LayerArgs = NonNullable<ConstructorParameters<typeof layers.Layer>[0]>;

/** The shape of one input; `null` stands for an open batch. */
export type Shape = Array<number | null>;

type LayerWeight = ReturnType<InstanceType<typeof layers.Layer>['addWeight']>;

/** Shape and law of each weight, by name, and whether it is trained (it is); false for one that the layer does without. */
export type WeightTable = Readonly<
  Record<string, readonly [shape: number[], law: WeightLaw, trainable?: boolean] | false>
>;

/** Inputs of a layer as a list, whether tfjs hands over one or several. */
export function asList<T>(inputs: T | T[]): T[] {
  return Array.isArray(inputs) ? inputs : [inputs];
}

/** Shapes of the inputs as a list; a shape is itself a list, of numbers. */
export function shapeList(shapes: Shape | Shape[]): Shape[] {
  return Array.isArray(shapes[0]) ? (shapes as Shape[]) : [shapes as Shape];
}

/** What a layer's configuration adds to that of its base, with the defaults filled in. */
export type Options<Config, Base = SeededArgs> = Required<Omit<Config, keyof Base>>;

/** Base of layers without weights: a config that is exactly what the constructor took. */
export abstract class ConfiguredLayer<Own extends object> extends layers.Layer {
  protected constructor(
    args: LayerArgs,
    /** The class's name in error messages. */
    protected readonly owner: string,
    /** The arguments of this class. */
    readonly options: Readonly<Own>,
  ) {
    super(args);
  }

  /** By default that of the input, as a list of its own: tfjs writes into what it gets. */
  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return [...inputShape] as Shape;
  }

  /** The arguments that make an equal layer, as JSON. */
  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), ...structuredClone(this.options) };
  }
}

/** Arguments that every seeded layer accepts. */
export interface SeededArgs extends LayerArgs {
  /** Seed of the initial weights and of what the layer draws at random. Default: a fresh one, kept in the config. */
  seed?: number;
}

/** Base of the layers that draw numbers: named weights, from a seed that is kept in the config. */
export abstract class SeededLayer<Own extends object> extends ConfiguredLayer<Own> {
  /** Random streams drawn in training so far; a checkpoint keeps the count, so that training resumes exactly. */
  draws = 0;
  protected readonly seed: number;
  private readonly named = new Map<string, LayerWeight>();

  protected constructor(args: SeededArgs, owner: string, options: Readonly<Own>) {
    super(args, owner, options);
    this.seed = resolveSeed(args.seed, owner);
  }

  /** Adds float32 weights, in this order. */
  protected addWeights(weights: WeightTable): void {
    for (const [name, weight] of Object.entries(weights)) {
      if (!weight) continue;
      const [shape, law, trainable] = weight;
      const initializer = law(deriveSeed(this.seed, name));
      this.named.set(name, this.addWeight(name, shape, 'float32', initializer, undefined, trainable));
    }
  }

  /** Whose stream is the next of what the layer draws at random in training; a layer that draws nothing ships no generator. */
  protected nextDraw(purpose: string): [seed: number, purpose: string, index: number] {
    return [this.seed, purpose, this.draws++];
  }

  /** The current values of the weights that the layer has, by name; `Values` says which. */
  protected values<Values>(): Values {
    return Object.fromEntries([...this.named].map(([name, weight]) => [name, weight.read()])) as Values;
  }

  /** The arguments that make an equal layer, as JSON. */
  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), seed: this.seed };
  }
}
