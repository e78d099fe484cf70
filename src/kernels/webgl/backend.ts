import { type DataType, getKernel, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';

/** A fragment shader: it computes one number of the output from the inputs, which it reads with `getName(...)`. */
export interface Program {
  readonly variableNames: string[];
  readonly outputShape: number[];
  readonly userCode: string;
  /** Numbers that may change without another compilation. */
  readonly customUniforms?: { name: string; type: 'float' }[];
  /** Whether it reads and writes two rows and two columns at a time. */
  readonly packedInputs?: boolean;
  readonly packedOutput?: boolean;
}

/**
 * What kernels need of the WebGL backend of tfjs 4.22 beyond the interface of all backends. It is no public interface, so
 * everything is looked for before it is used.
 */
export interface WebGLBackend extends KernelBackend {
  /** Compiles a program, once for the same code and shapes, and runs it. */
  compileAndRun(program: Program, inputs: TensorInfo[], dtype: DataType, uniforms: number[][]): TensorInfo;
  disposeIntermediateTensorInfo(tensor: TensorInfo): void;
  /** Runs any program, those of tfjs too. */
  runWebGLProgram(...args: unknown[]): TensorInfo;
  /** Waits for numbers that are only on the device. */
  getValuesFromTexture(dataId: object): Float32Array;
  readonly gpgpu: {
    readonly gl: WebGLRenderingContext;
    /** What a loop without end looks at until the device is done with it. */
    itemsToPoll: unknown[];
  };
}

/** Why kernels cannot work with this backend: what is missing in it. Empty if they can. */
export function missingInternals(backend: object): string {
  const { compileAndRun, disposeIntermediateTensorInfo, getValuesFromTexture, gpgpu, incRef, runWebGLProgram } =
    backend as Partial<WebGLBackend>;
  if (typeof compileAndRun !== 'function' || typeof runWebGLProgram !== 'function') return 'its way to run a program';
  if (typeof getValuesFromTexture !== 'function' || !gpgpu?.gl) return 'its way to the device';
  if (typeof disposeIntermediateTensorInfo !== 'function' || typeof incRef !== 'function')
    return 'its count of references';
  return '';
}

/** Runs programs for one kernel, and frees at its end all that they have made but the outputs. */
export class ProgramRun {
  private readonly made: TensorInfo[] = [];

  constructor(
    private readonly backend: WebGLBackend,
    /** What all programs of the kernel are told, in the order of their `customUniforms`. */
    private readonly uniforms: readonly number[] = [],
  ) {}

  run(program: Program, inputs: readonly TensorInfo[], dtype: DataType = 'float32'): TensorInfo {
    const uniforms = this.uniforms.map((value) => [value]);
    return this.note(this.backend.compileAndRun(program, [...inputs], dtype, uniforms));
  }

  /** The sum of all numbers, in the shape of a parameter of one number. */
  sum(x: TensorInfo, shape: readonly number[]): TensorInfo {
    const kernel = getKernel('Sum', 'webgl');
    if (!kernel) throw new Error('ProgramRun: backend must have the kernel Sum, received none.');
    const axis = x.shape.map((_, i) => i);
    const sum = kernel.kernelFunc({ inputs: { x }, attrs: { axis, keepDims: false }, backend: this.backend });
    return reshaped(this.note(sum as TensorInfo), shape);
  }

  private note(output: TensorInfo): TensorInfo {
    this.made.push(output);
    return output;
  }

  /** Frees all but the outputs, which it returns. */
  finish(outputs: TensorInfo[]): TensorInfo[] {
    const kept = new Set(outputs.map(({ dataId }) => dataId));
    for (const tensor of this.made) if (!kept.has(tensor.dataId)) this.backend.disposeIntermediateTensorInfo(tensor);
    return outputs;
  }
}

/** The same numbers in another shape. */
export function reshaped({ dataId, dtype }: TensorInfo, shape: readonly number[]): TensorInfo {
  return { dataId, dtype, shape: [...shape] };
}
