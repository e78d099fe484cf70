import type { Pyramid } from '../../local-laplacian/pyramid_operators.js';
import type { Size } from '../../local-laplacian/size.js';
import type { Program } from './backend.js';
import { ENTRIES, mapCode } from './pyramid_code.js';
import { type RemapName, remapCode } from './remap_code.js';

/** What the shaders of one filter share. */
export interface Shading {
  readonly batch: number;
  readonly samples: number;
  readonly pyramid: Pyramid;
  readonly remap: RemapName;
  /** Numbers of a table. */
  readonly nodes: number;
}

const UNIFORMS: NonNullable<Program['customUniforms']> = ['low', 'high'].map((name) => ({ name, type: 'float' }));

/** Where a local mean lies among the samples, and by how much a sample counts there. */
function samplingCode(samples: number): string {
  return `
  const float LAST = ${samples - 1}.0;
  float sampleAt(int k) {
    return low + (high - low) * float(k) / LAST;
  }
  float placeOf(float mean) {
    return clamp((mean - low) * (LAST / (high - low)), 0.0, LAST);
  }
  float shareAt(float mean, int k) {
    return max(0.0, 1.0 - abs(placeOf(mean) - float(k)));
  }`;
}

/** The parameters of the remap function, as inputs. */
function parameterNames(remap: RemapName): string[] {
  return remap === 'table' ? ['A'] : ['A', 'B', 'C'];
}

/** A program; `code` is what stands before `main`, `value` the number that it writes. */
function program(
  { batch, samples, pyramid }: Shading,
  variableNames: string[],
  [height, width]: Size,
  channels: number,
  code: string,
  value: string,
): Program {
  return {
    variableNames,
    outputShape: [batch, height, width, channels],
    customUniforms: UNIFORMS,
    userCode: `${ENTRIES[pyramid]}${samplingCode(samples)}${code}
  void main() {
    ivec4 at = getOutputCoords();
    int b = at.x;
    int y = at.y;
    int x = at.z;
    int c = at.w;
    setOutput(${value});
  }`,
  };
}

const HERE = 'b, y, x, c';

/** The next level, of inputs `X`. */
export function halve(shading: Shading, fine: Size, coarse: Size, channels: number): Program {
  return program(
    shading,
    ['X'],
    coarse,
    channels,
    mapCode('down', 'down', fine, 'getX(b, row, column, c)'),
    `down(${HERE})`,
  );
}

/** Level 1 of the remapped images, one channel for each sample, of the image `X` and the parameters. */
export function remapAndHalve(shading: Shading, fine: Size, coarse: Size): Program {
  const { remap, nodes, samples } = shading;
  const code = mapCode('down', 'down', fine, 'remap(getX(b, row, column, 0) - sampleAt(c))');
  const names = ['X', ...parameterNames(remap)];
  return program(shading, names, coarse, samples, remapCode(remap, nodes) + code, `down(${HERE})`);
}

/** The gradient of the next level's coarse samples: the adjoint of doubling, of `X`. */
export function lower(shading: Shading, fine: Size, coarse: Size): Program {
  const code = mapCode('lowered', 'upAdjoint', fine, 'getX(b, row, column, 0)');
  return program(shading, ['X'], coarse, 1, code, `lowered(${HERE})`);
}

/** The coefficient of a remapped image at a level: of `R` there, or at level 0 of the image, less what `Coarse` is raised to. */
function bandCode({ remap, nodes }: Shading, fine: Size, isFirst: boolean): string {
  const own = isFirst ? 'remap(getX(b, y, x, 0) - sampleAt(c))' : 'getR(b, y, x, c)';
  return `${isFirst ? remapCode(remap, nodes) : ''}${mapCode('raised', 'up', fine, 'getCoarse(b, row, column, c)')}
  float band(int b, int y, int x, int c) {
    return ${own} - raised(${HERE});
  }`;
}

/** The inputs that a level of the remapped images needs: the local means `X`, its samples, those of the next level. */
function bandNames({ remap }: Shading, isFirst: boolean): string[] {
  return ['X', ...(isFirst ? parameterNames(remap) : ['R']), 'Coarse'];
}

/** A level of the output: what the next one, `Next`, is raised to, and between the bands of the two nearest samples. */
export function raiseAndAdd(shading: Shading, fine: Size, isFirst: boolean): Program {
  const next = mapCode('next', 'up', fine, 'getNext(b, row, column, 0)');
  const code = `${bandCode(shading, fine, isFirst)}${next}
  float both(int b, int y, int x, int c) {
    float place = placeOf(getX(b, y, x, 0));
    float below = min(floor(place), LAST - 1.0);
    int k = int(below);
    return next(${HERE}) + mix(band(b, y, x, k), band(b, y, x, k + 1), place - below);
  }`;
  return program(shading, [...bandNames(shading, isFirst), 'Next'], fine, 1, code, `both(${HERE})`);
}

/** A level of the output that gets nothing but what the next one is raised to. */
export function raise(shading: Shading, fine: Size): Program {
  const code = mapCode('next', 'up', fine, 'getNext(b, row, column, 0)');
  return program(shading, ['Next'], fine, 1, code, `next(${HERE})`);
}

/** The product of `X`, and of `Y` or a single number of it. */
export function product(shading: Shading, size: Size, isSingle: boolean): Program {
  return program(shading, ['X', 'Y'], size, 1, '', `getX(${HERE}) * ${isSingle ? 'getY(0)' : `getY(${HERE})`}`);
}

/** Which terms the gradient of a level of the remapped images has. */
export interface LevelTerms {
  /** Its own band: local means `X` and gradient of the output's level `Dy`. */
  readonly own: boolean;
  /** The band of the level before, of that size, which it was taken from: `FineX` and `FineDy`. */
  readonly before: Size | undefined;
  /** The next level was made of it: its gradient `Coarse`. */
  readonly next: boolean;
}

/** The gradient of a level of the remapped images, one channel for each sample. */
export function remappedGradient(shading: Shading, size: Size, { own, before, next }: LevelTerms): Program {
  const names = [...(own ? ['X', 'Dy'] : []), ...(before ? ['FineX', 'FineDy'] : []), ...(next ? ['Coarse'] : [])];
  const terms = [
    ...(own ? ['shareAt(getX(b, y, x, 0), c) * getDy(b, y, x, 0)'] : []),
    ...(before ? [`- taken(${HERE})`] : []),
    ...(next ? [`+ gathered(${HERE})`] : []),
  ];
  const share = 'shareAt(getFineX(b, row, column, 0), c) * getFineDy(b, row, column, 0)';
  const code = [
    before ? mapCode('taken', 'upAdjoint', before, share) : '',
    next ? mapCode('gathered', 'downAdjoint', size, 'getCoarse(b, row, column, c)') : '',
  ].join('');
  return program(shading, names, size, shading.samples, code, terms.join(' ') || '0.0');
}

/** The gradient of a level of local means that lie between samples: by the rise of the output times `Dy`, and by the next, `Next`. */
export function meanGradient(shading: Shading, size: Size, isFirst: boolean): Program {
  const next = mapCode('gathered', 'downAdjoint', size, 'getNext(b, row, column, 0)');
  const code = `${bandCode(shading, size, isFirst)}${next}
  float risen(int b, int y, int x, int c) {
    float mean = getX(b, y, x, 0);
    if (mean < low || mean >= high) return 0.0;
    int k = int(min(floor(placeOf(mean)), LAST - 1.0));
    return (band(b, y, x, k + 1) - band(b, y, x, k)) * (LAST / (high - low)) * getDy(b, y, x, 0);
  }`;
  const names = [...bandNames(shading, isFirst), 'Dy', 'Next'];
  return program(shading, names, size, 1, code, `risen(${HERE}) + gathered(${HERE})`);
}

/** The same of a level whose band another remap function makes. */
export function meanGather(shading: Shading, size: Size): Program {
  const code = mapCode('gathered', 'downAdjoint', size, 'getNext(b, row, column, 0)');
  return program(shading, ['Next'], size, 1, code, `gathered(${HERE})`);
}

/** The gradients of all remapped images, `Dr`, times `of` the detail, summed over the samples; and `More`, if it is there. */
export function detailSum(
  shading: Shading,
  size: Size,
  of: 'slope' | 'bySigma' | 'byAlpha' | 'byBeta',
  hasMore: boolean,
): Program {
  const { remap, nodes, samples } = shading;
  const names = ['X', ...parameterNames(remap), 'Dr', ...(hasMore ? ['More'] : [])];
  const code = `${remapCode(remap, nodes)}
  float summed(int b, int y, int x, int c) {
    float sum = ${hasMore ? `getMore(${HERE})` : '0.0'};
    for (int k = 0; k < ${samples}; k++) {
      sum += getDr(b, y, x, k) * ${of}(getX(${HERE}) - sampleAt(k));
    }
    return sum;
  }`;
  return program(shading, names, size, 1, code, `summed(${HERE})`);
}
