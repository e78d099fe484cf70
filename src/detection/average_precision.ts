import { argumentError, requireInteger } from '../core/checks.js';

/** An object that is there, or that was found. */
export interface Labelled {
  /** Class. */
  readonly label: number;
}

/** An object that was found. */
export interface Scored {
  /** The higher, the surer. */
  readonly score: number;
}

/** One image: what is there, and what was found. `T` is what the overlap compares, such as a box. */
export interface DetectedImage<T> {
  /** What is there. */
  readonly objects: readonly (T & Labelled)[];
  /** What was found, with scores. */
  readonly detections: readonly (T & Labelled & Scored)[];
}

/** Options of {@link averagePrecision}. */
export interface AveragePrecisionConfig {
  /** Detections that count per image and class, the surest ones. Default 100. */
  maxDetections?: number;
}

/** What {@link averagePrecision} measures, all in [0, 1]. */
export interface AveragePrecision {
  /** Mean over classes and ten thresholds of overlap, 0.5 to 0.95. */
  ap: number;
  /** At 0.5. */
  ap50: number;
  /** At 0.75. */
  ap75: number;
  /** `ap` by class, of the classes that have an object somewhere. */
  byClass: Map<number, number>;
  /** Share of the objects that were found, mean over classes and thresholds. */
  recall: number;
}

/** Thresholds and recalls with the rounding of the reference implementation, which decides ties. */
const THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9));
const RECALLS: readonly number[] = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));

/**
 * Average precision of detections, as COCO defines it, for boxes or masks.
 *
 * Takes images with what is there and what was found, and the overlap of two of them: {@link boxOverlap} or {@link
 * maskOverlap}, or any function to [0, 1]. At each threshold the detections, the surest first, each take the object of their
 * class and image that they overlap most and that is not taken yet; the precision at 101 recalls, made monotone, is
 * averaged. A class without an object counts for nothing. Sizes are not told apart, and there are no crowds.
 *
 * @throws If no image has an object, a score is NaN, or `maxDetections` is not a whole number of at least 1.
 *
 * Source: Lin et al., "Microsoft COCO" (2014), and its evaluation code; tested against pycocotools.
 *
 * @example
 * ```ts
 * import { averagePrecision, boxOverlap } from 'tfjs-llf';
 *
 * const image = {
 *   objects: [{ label: 7, box: [0, 0, 10, 10] as const }],
 *   detections: [{ label: 7, box: [0, 0, 10, 8] as const, score: 0.9 }], // overlap 0.8
 * };
 * const { ap, ap50 } = averagePrecision([image], boxOverlap);
 * if (ap50 !== 1 || Math.abs(ap - 0.7) > 1e-9) throw new Error('found at 0.5, 0.55, ... 0.8: seven thresholds of ten');
 * ```
 */
export function averagePrecision<T>(
  images: readonly DetectedImage<NoInfer<T>>[],
  overlap: (a: T, b: T) => number,
  { maxDetections = 100 }: AveragePrecisionConfig = {},
): AveragePrecision {
  const owner = 'averagePrecision';
  requireInteger(owner, 'maxDetections', maxDetections, 1);
  if (images.some(({ detections }) => detections.some(({ score }) => Number.isNaN(score))))
    throw argumentError(owner, 'score', 'a number', Number.NaN);
  const labels = new Set(images.flatMap(({ objects }) => objects.map(({ label }) => label)));
  if (labels.size === 0) throw argumentError(owner, 'images', 'some with objects', `${images.length} without`);
  const curves = [...labels].map((label) => ({ label, ...curvesOf(images, label, overlap, maxDetections) }));
  const at = (threshold: number): number => mean(curves.map(({ precision }) => precision[threshold] as number));
  return {
    ap: mean(curves.map(({ precision }) => mean(precision))),
    ap50: at(0),
    ap75: at(5),
    byClass: new Map(curves.map(({ label, precision }) => [label, mean(precision)])),
    recall: mean(curves.map(({ recall }) => mean(recall))),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The surest first; those equally sure in the order in which they come. */
function surest<D extends Scored>(detections: readonly D[]): D[] {
  return [...detections].sort((a, b) => b.score - a.score);
}

/** Average precision and recall of one class at each threshold. */
function curvesOf<T>(
  images: readonly DetectedImage<T>[],
  label: number,
  overlap: (a: T, b: T) => number,
  maxDetections: number,
): { precision: number[]; recall: number[] } {
  let objectCount = 0;
  const judged = images.flatMap(({ objects, detections }) => {
    const there = objects.filter((object) => object.label === label);
    const found = surest(detections.filter((detection) => detection.label === label)).slice(0, maxDetections);
    objectCount += there.length;
    const overlaps = found.map((detection) => there.map((object) => overlap(detection, object)));
    const hits = THRESHOLDS.map((threshold) => assign(overlaps, threshold));
    return found.map(({ score }, i) => ({ score, hits: hits.map((row) => row[i] as boolean) }));
  });
  const ranked = surest(judged);
  const results = THRESHOLDS.map((_, t) =>
    curve(
      ranked.map(({ hits }) => hits[t] as boolean),
      objectCount,
    ),
  );
  return { precision: results.map(({ precision }) => precision), recall: results.map(({ recall }) => recall) };
}

/** Which detections, the surest first, get an object at this threshold: `overlaps` by detection and object. */
function assign(overlaps: readonly (readonly number[])[], threshold: number): boolean[] {
  const taken = new Set<number>();
  return overlaps.map((row) => {
    let [best, place] = [Math.min(threshold, 1 - 1e-10), -1];
    for (const [i, value] of row.entries()) if (!taken.has(i) && value >= best) [best, place] = [value, i];
    if (place >= 0) taken.add(place);
    return place >= 0;
  });
}

/** Mean of the monotone precision at 101 recalls, and the recall at the end. */
function curve(hits: readonly boolean[], objects: number): { precision: number; recall: number } {
  let right = 0;
  const points = hits.map((hit, i) => {
    if (hit) right++;
    return { recall: right / objects, precision: right / (i + 1) };
  });
  for (let i = points.length - 2; i >= 0; i--) {
    const [here, next] = [points[i], points[i + 1]] as [{ precision: number }, { precision: number }];
    here.precision = Math.max(here.precision, next.precision);
  }
  const at = RECALLS.map((recall) => points.find((point) => point.recall >= recall)?.precision ?? 0);
  return { precision: mean(at), recall: points.at(-1)?.recall ?? 0 };
}
