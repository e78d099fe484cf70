/** X-ray style: a pair of images, the filter that learns it, the curve that one can draw, and what both make of the image. */
import type { GreyImage } from '../../data/grey_image.js';
import { Chart } from '../shell/chart.js';
import { Client } from '../shell/client.js';
import { byId, choice, element, field, numberIn, numberInput } from '../shell/dom.js';
import type { Tensors } from '../shell/messages.js';
import { addHeader, RunBar } from '../shell/shell.js';
import { Comparison, paint } from './compare.js';
import { type CurveFile, curveJson, curveSvg, HANDLES, handlesOn, tableOf } from './curve.js';
import { CurveEditor } from './curve_editor.js';
import type { Learned, LearnProgress, XrayJobs } from './jobs.js';
import { PairChoice } from './pair_choice.js';
import { saveAs } from './save.js';

addHeader('xray');
const learner = new Client<XrayJobs>('xray');
/** Reads and filters while the other learns. */
const helper = new Client<XrayJobs>('xray');

/** The images there are, by what they are called. */
const images = new Map<Shown, GreyImage>();
type Shown = 'before' | 'after' | 'learned' | 'drawn';
const NAMES: Readonly<Record<Shown, string>> = {
  before: 'before',
  after: 'after, as it should be',
  learned: 'what the filter has learned',
  drawn: 'your curve',
};
let learned: Learned | undefined;

const options = (Object.keys(NAMES) as Shown[]).map((name) => [name, NAMES[name]] as const);
const [left, right] = [choice(options), choice(options)];
right.value = 'after';
byId('shown', HTMLElement).append(field('Left', left), field('Right', right));
const comparison = new Comparison();
const editor = new CurveEditor(byId('curve', HTMLElement), () => void draw());
const loss = new Chart(byId('loss', HTMLElement), {
  title: 'Loss',
  xLabel: 'step',
  lines: [{ name: 'loss' }],
  height: 180,
});

function show(): void {
  const before = images.get('before');
  if (!before) return;
  const [a, b] = [left.value as Shown, right.value as Shown];
  comparison.show(images.get(a) ?? before, images.get(b) ?? before, [NAMES[a], NAMES[b]]);
}

let [isDrawing, isDue] = [false, false];

/** Filters by the drawn curve; what was drawn meanwhile comes next. */
async function draw(): Promise<void> {
  isDue = true;
  if (isDrawing) return;
  isDrawing = true;
  try {
    while (isDue) {
      isDue = false;
      const image = images.get('before');
      if (!image) return;
      const order = { image, table: tableOf(editor.heights), gain: learned?.gain ?? 1, bias: learned?.bias ?? 0 };
      const { result } = await helper.run('apply', 'wasm', order);
      if (images.get('before') !== image) continue;
      images.set('drawn', result);
      right.value = 'drawn';
      show();
    }
  } catch (failure) {
    byId('trouble', HTMLElement).textContent = failure instanceof Error ? failure.message : String(failure);
  } finally {
    isDrawing = false;
    document.body.dataset['drawn'] = editor.heights.map((height) => height.toFixed(2)).join();
  }
}

function showLearned({ curve }: Learned): void {
  editor.showLearned(curve);
  const slope = (d: number): number => handleSlope(curve, d);
  const word = (value: number): string => (value > 1.05 ? 'amplified' : value < 0.95 ? 'smoothed' : 'kept');
  byId('words', HTMLElement).textContent =
    `Learned: fine details are ${word(slope(0))} (slope ${slope(0).toFixed(2)}), large ones ${word(slope(0.3))} (slope ${slope(0.3).toFixed(2)}).`;
}

/** The slope of a curve around a detail, over a tenth of the range. */
function handleSlope({ detail, remapped }: Learned['curve'], d: number): number {
  const near = [...detail.keys()].filter((i) => Math.abs((detail[i] as number) - d) <= 0.05);
  const [first = 0, last = 0] = [near[0], near.at(-1)];
  const rise = (remapped[last] as number) - (remapped[first] as number);
  return rise / ((detail[last] as number) - (detail[first] as number));
}

const form = choice([
  ['gauss', 'three numbers'],
  ['network', 'a network of six layers'],
]);
const steps = numberInput(200, 10, 2000, 10);
byId('settings', HTMLElement).append(field('The curve is', form), field('Steps', steps));

async function learn(): Promise<Tensors> {
  const [before, after] = [images.get('before'), images.get('after')];
  if (!before || !after) throw new Error('Choose a pair of images first.');
  loss.clear();
  right.value = 'learned';
  const total = numberIn(steps);
  const progress = (now: LearnProgress): void => {
    bar.progress({ share: now.step / total, text: `step ${now.step} of ${total}` });
    loss.add(now.step, [now.loss]);
    if (images.get('before') !== before) return;
    learned = now;
    showLearned(now);
    if (now.image) images.set('learned', now.image);
    if (now.image) show();
  };
  const order = { before, after, form: form.value as 'gauss' | 'network', steps: total, seed: 1 };
  const { result, tensors } = await learner.run('learn', bar.backend, order, {
    ready: (machine) => bar.ready(machine),
    progress,
  });
  if (images.get('before') === before) learned = result;
  return tensors;
}

const bar = new RunBar(byId('run', HTMLElement), 'Learn the style', { run: learn, stop: () => learner.stop() });

const presets: readonly (readonly [string, () => readonly number[]])[] = [
  ['Take the learned curve', () => (learned ? handlesOn(learned.curve) : HANDLES)],
  ['Sharper', () => HANDLES.map((d) => d * (1 + Math.exp(-((d / 0.12) ** 2))))],
  ['Smoother', () => HANDLES.map((d) => d * (1 - 0.8 * Math.exp(-((d / 0.08) ** 2))))],
  ['As it is', () => HANDLES],
];
for (const [name, heights] of presets) {
  const button = element('button', { type: 'button' }, name);
  button.addEventListener('click', () => {
    editor.heights = heights();
    void draw();
  });
  byId('presets', HTMLElement).append(button);
}

/** The drawn curve, as it is saved. */
function drawnCurve(): CurveFile {
  return {
    curve: { detail: HANDLES, remapped: editor.heights },
    gain: learned?.gain ?? 1,
    bias: learned?.bias ?? 0,
  };
}

const saves: readonly (readonly [string, () => void])[] = [
  ['Your curve as JSON', () => saveAs('curve.json', curveJson(drawnCurve()), 'application/json')],
  ['Your curve as SVG', () => saveAs('curve.svg', curveSvg(drawnCurve()), 'image/svg+xml')],
  ['The learned curve as JSON', () => learned && saveAs('learned.json', curveJson(learned), 'application/json')],
  ['The right image as PNG', () => savePng()],
];
for (const [name, save] of saves) {
  const button = element('button', { type: 'button' }, name);
  button.addEventListener('click', save);
  byId('save', HTMLElement).append(button);
}

function savePng(): void {
  const image = images.get(right.value as Shown);
  if (!image) return;
  const canvas = element('canvas');
  paint(canvas, image);
  canvas.toBlob((blob) => blob && saveAs('image.png', blob, 'image/png'));
}

for (const select of [left, right]) select.addEventListener('change', show);
const pair = new PairChoice(helper, (before, after) => {
  images.clear();
  images.set('before', before);
  images.set('after', after);
  learned = undefined;
  editor.showLearned(undefined);
  byId('words', HTMLElement).textContent = '';
  [left.value, right.value] = ['before', 'after'];
  show();
});
await pair.load();
document.body.dataset['loaded'] = 'xray';
