/** Writes ONNX files. Numbers of fields and types are those of the format's onnx.proto. */
import { float, int, join, message, text } from './protobuf.js';

/** A whole number, a list of such, or a `{ float }`. */
type Attribute = number | readonly number[] | { readonly float: number };

/** An input or output of a graph, float32. */
export interface Port {
  name: string;
  shape: readonly number[];
}

const FLOAT = 1;
const INT64 = 7;
/** The oldest format that holds opset 20. */
const IR_VERSION = 9;

function attribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number') return message(5, text(1, name), int(3, value), int(20, 2));
  if ('float' in value) return message(5, text(1, name), float(2, value.float), int(20, 1));
  return message(5, text(1, name), ...value.map((one) => int(8, one)), int(20, 7));
}

function port(field: number, { name, shape }: Port): Uint8Array {
  const dims = shape.map((size) => message(1, int(1, size)));
  return message(field, text(1, name), message(2, message(1, int(1, FLOAT), message(2, ...dims))));
}

/** A graph that grows node by node; every value goes by a name. */
export class OnnxGraph {
  private readonly nodes: Uint8Array[] = [];
  private readonly initializers: Uint8Array[] = [];
  private readonly constants = new Map<string, string>();

  constructor(private readonly opset: number) {}

  /** Adds a node with one output; returns the output's name. */
  node(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.nodeOf(1, type, inputs, attributes)[0] as string;
  }

  /** Adds a node with several outputs; returns their names. */
  nodeOf(
    count: number,
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string[] {
    const name = `${type}_${this.nodes.length}`;
    const outputs = Array.from({ length: count }, (_, i) => `${name}_${i}`);
    this.nodes.push(
      message(
        1,
        ...inputs.map((input) => text(1, input)),
        ...outputs.map((output) => text(2, output)),
        text(3, name),
        text(4, type),
        ...Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      ),
    );
    return outputs;
  }

  /** Adds a constant of floats; returns its name. */
  floats(name: string, shape: readonly number[], data: Float32Array): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.initializer(name, FLOAT, shape, bytes);
  }

  /** The constant of these whole numbers; returns its name. */
  ints(...values: readonly number[]): string {
    const name = `ints_${values.join('_')}`;
    const known = this.constants.get(name);
    if (known !== undefined) return known;
    this.constants.set(name, name);
    const bytes = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
    return this.initializer(name, INT64, [values.length], bytes);
  }

  /** The file. `output` names a value of the graph. */
  file(input: Port, output: Port): Uint8Array {
    const graph = [...this.nodes, text(2, 'graph'), ...this.initializers, port(11, input), port(12, output)];
    return join([int(1, IR_VERSION), message(7, ...graph), message(8, int(2, this.opset))]);
  }

  private initializer(name: string, type: number, shape: readonly number[], bytes: Uint8Array): string {
    this.initializers.push(
      message(5, ...shape.map((size) => int(1, size)), int(2, type), text(8, name), message(9, bytes)),
    );
    return name;
  }
}
