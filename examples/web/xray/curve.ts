/** A remap curve that is drawn by hand: handles at some details, straight in between. Plain numbers. */

/** Where the handles stand: most details of an image are small. */
export const HANDLES: readonly number[] = [-0.4, -0.25, -0.15, -0.08, -0.03, 0, 0.03, 0.08, 0.15, 0.25, 0.4];

/** Entries of a table, which the filter takes. */
const NODES = 513;

/** A curve as points, the details rising. */
export interface Points {
  readonly detail: readonly number[];
  readonly remapped: readonly number[];
}

/** The value of a curve at a detail; beyond its ends it goes on as straight as it came. */
export function valueAt({ detail, remapped }: Points, d: number): number {
  const above = detail.findIndex((one) => one > d);
  const right = above < 0 ? detail.length - 1 : Math.max(1, above);
  const [d0, d1] = [detail[right - 1] as number, detail[right] as number];
  const [m0, m1] = [remapped[right - 1] as number, remapped[right] as number];
  return m0 + ((m1 - m0) * (d - d0)) / (d1 - d0);
}

/** Heights of the handles on a curve; a constant in a curve changes no image, so the one in the middle is moved to 0. */
export function handlesOn(curve: Points): number[] {
  const middle = valueAt(curve, 0);
  return HANDLES.map((d) => valueAt(curve, d) - middle);
}

/** The curve through handles as a table over the details from -1 to 1. */
export function tableOf(heights: readonly number[]): number[] {
  const curve = { detail: HANDLES, remapped: heights };
  return Array.from({ length: NODES }, (_, i) => valueAt(curve, (2 * i) / (NODES - 1) - 1));
}

/** What a file about a filter holds. */
export interface CurveFile {
  curve: Points;
  gain: number;
  bias: number;
}

/** As JSON, to be read again by whoever wants to apply the filter. */
export function curveJson({ curve, gain, bias }: CurveFile): string {
  const round = (values: readonly number[]): number[] => values.map((value) => Number(value.toPrecision(6)));
  const file = { detail: round(curve.detail), remapped: round(curve.remapped), gain, bias };
  return `${JSON.stringify({ format: 'tfjs-llf remap curve', ...file }, null, 2)}\n`;
}

/** As a picture that stands alone, over the details that the handles span. */
export function curveSvg({ curve }: CurveFile): string {
  const side = 400;
  const end = HANDLES.at(-1) as number;
  const middle = valueAt(curve, 0);
  const place = (value: number): string => ((side / 2) * (1 + value / end)).toFixed(1);
  const details = Array.from({ length: 161 }, (_, i) => end * (i / 80 - 1));
  const points = details.map((d) => `${place(d)},${place(middle - valueAt(curve, d))}`).join(' ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" role="img" aria-label="A remap curve over details from ${-end} to ${end}">
<path d="M0,${side} L${side},0 M0,${side / 2} H${side} M${side / 2},0 V${side}" stroke="#999" fill="none"/>
<polyline points="${points}" fill="none" stroke="#1f6fb2" stroke-width="3"/>
</svg>
`;
}
