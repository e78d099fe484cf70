import { type Tensor, tensor2d, tensor3d } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError, requireInteger, requireNumber } from '../core/checks.js';
import { AuxHead } from '../cropr/aux_head_layer.js';
import { assignCells } from './assignment.js';
import type { Labelled } from './average_precision.js';
import { type CellLayout, cellUnits, plainUnits } from './cell_layout.js';
import { DetectionHead, headOf } from './detection_head_layer.js';
import type { Boxed } from './overlap.js';

/** An object of an image, as a detector learns it. */
export interface DetectionObject extends Labelled, Boxed {
  /** Numbers of its pixels, `row · width + column`. Without, or without a pixel, the object trains its box only. */
  readonly mask?: ArrayLike<number>;
}

/** Options of {@link detectionTargets}. */
export interface DetectionTargetsConfig {
  /**
   * How far from the middle of an object, in units of the patch along each axis, the cells lie that learn to find it, at
   * least 0.5. Default 1.5; `Infinity` for all cells within the box.
   */
  radius?: number;
}

/**
 * Targets for every output of a {@link detectionTransformer} from the objects of each image: numbers of the cells `[B, P,
 * units]`, and for each aux head which classes are in the image `[B, classes]`, float32.
 *
 * The cells hold what a perfect head would say, at other scales: a one at the class, distances (not their logarithms),
 * centre-ness; a one at the number of the object among the coefficients, and as prototype k the share of object k in each
 * pixel. All are zero in a cell without an object. A cell with several objects has the one with the smallest box; an object
 * that contains no middle of a cell has the cell of its own middle, and stands there for the smallest box around both; of
 * more objects than prototypes the later ones train their boxes only. Dispose the targets after use.
 *
 * @throws For a label that is no class, a box that is empty or not within the image, a pixel of a mask that is not.
 *
 * @example
 * ```ts
 * import { detectionTargets, detectionTransformer } from 'tfjs-llf';
 *
 * const model = detectionTransformer({
 *   imageSize: 16, channels: 1, patchSize: 4, dim: 8, depth: 2, heads: 2, classes: 3,
 * });
 * const [cells] = detectionTargets([[{ label: 1, box: [4, 4, 8, 8] }]], model);
 * // Cell 5, in row 1 and column 1: class 1, half a patch to each side, centre-ness 1.
 * const cell = cells?.dataSync().subarray(5 * 8, 6 * 8).join();
 * if (cell !== '0,1,0,0.5,0.5,0.5,0.5,1') throw new Error(cell);
 * ```
 */
export function detectionTargets(
  objects: readonly (readonly DetectionObject[])[],
  model: LayersModel,
  { radius = 1.5 }: DetectionTargetsConfig = {},
): Tensor[] {
  const owner = 'detectionTargets';
  if (radius !== Number.POSITIVE_INFINITY) requireNumber(owner, 'radius', radius, 0.5);
  const layout = headOf(owner, model).options;
  for (const [i, image] of objects.entries()) for (const object of image) check(owner, i, object, layout);
  const [patches, units] = [layout.grid[0] * layout.grid[1], cellUnits(layout)];
  const cells = new Float32Array(objects.length * patches * units);
  const classes = new Float32Array(objects.length * layout.classes);
  for (const [i, image] of objects.entries()) {
    writeCells(image, layout, radius, cells.subarray(i * patches * units, (i + 1) * patches * units));
    for (const { label } of image) classes[i * layout.classes + label] = 1;
  }
  const ofCells = tensor3d(cells, [objects.length, patches, units]);
  const isAux = model.outputs.map(({ sourceLayer }) => sourceLayer instanceof AuxHead);
  const ofClasses = isAux.includes(true) ? tensor2d(classes, [objects.length, layout.classes]) : ofCells;
  return model.outputs.map(({ sourceLayer, shape }, i) => {
    if (isAux[i]) return ofClasses;
    if (sourceLayer instanceof DetectionHead) return ofCells;
    throw argumentError(owner, 'model', 'one of cells and aux heads', shape);
  });
}

function check(owner: string, image: number, { label, box, mask = [] }: DetectionObject, layout: CellLayout): void {
  const { classes, grid, patchSize } = layout;
  requireInteger(owner, `objects[${image}]: label`, label, 0, classes - 1);
  const [height, width] = [grid[0] * patchSize, grid[1] * patchSize];
  const [top, left, bottom, right] = box;
  if (!(0 <= top && top < bottom && bottom <= height && 0 <= left && left < right && right <= width))
    throw argumentError(owner, `objects[${image}]: box`, `[top, left, bottom, right] within ${height} x ${width}`, box);
  for (let i = 0; i < mask.length; i++)
    requireInteger(owner, `objects[${image}]: mask[${i}]`, mask[i], 0, height * width - 1);
}

/** Writes the numbers of one image's cells. */
function writeCells(
  objects: readonly DetectionObject[],
  layout: CellLayout,
  radius: number,
  target: Float32Array,
): void {
  const { classes, prototypes } = layout;
  const units = cellUnits(layout);
  const assigned = assignCells(objects, { ...layout, radius });
  const found = new Set(assigned.flatMap((cell) => cell?.object ?? []));
  const masked = [...objects.keys()].filter((i) => found.has(i) && (objects[i]?.mask?.length ?? 0) > 0);
  const slots = masked.slice(0, prototypes);
  for (const [i, cell] of assigned.entries()) {
    if (!cell) continue;
    const start = i * units;
    target[start + (objects[cell.object] as DetectionObject).label] = 1;
    target.set([...cell.distances, cell.centerness], start + classes);
    const slot = slots.indexOf(cell.object);
    if (slot >= 0) target[start + plainUnits(layout) + slot] = 1;
  }
  for (const [slot, object] of slots.entries()) writeMask(objects[object]?.mask ?? [], slot, layout, target);
}

/** Writes a mask as a prototype: the share of its pixels in each pixel of the prototype, patch by patch. */
function writeMask(mask: ArrayLike<number>, slot: number, layout: CellLayout, target: Float32Array): void {
  const { grid, patchSize, prototypes, resolution } = layout;
  const units = cellUnits(layout);
  const block = patchSize / resolution;
  const width = grid[1] * patchSize;
  for (let i = 0; i < mask.length; i++) {
    const [y, x] = [Math.floor((mask[i] as number) / width), (mask[i] as number) % width];
    const cell = Math.floor(y / patchSize) * grid[1] + Math.floor(x / patchSize);
    const within = (at: number): number => Math.floor((at % patchSize) / block);
    const pixel = within(y) * resolution + within(x);
    const place = cell * units + plainUnits(layout) + prototypes + pixel * prototypes + slot;
    target[place] = (target[place] as number) + 1 / block ** 2;
  }
}
