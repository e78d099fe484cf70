/** Token Cropr: a small transformer that reads digits, the patches that it keeps, and what that saves. */
import { digitsUrl, fetchDigits, SIDE } from '../data/digits.js';
import { Chart } from '../shell/chart.js';
import { Client } from '../shell/client.js';
import { byId, element, field, numberIn, numberInput, percent } from '../shell/dom.js';
import type { Tensors } from '../shell/messages.js';
import { addHeader, RunBar } from '../shell/shell.js';
import { Drawing } from './drawing.js';
import { asDigit, type Ink, inkOf } from './handwriting.js';
import type { CroprJobs, Look } from './jobs.js';
import { Pictures } from './pictures.js';
import { MOST } from './rates.js';

addHeader('cropr');
const client = new Client<CroprJobs>('cropr');
const epochs = numberInput(4, 1, 20, 1);
byId('settings', HTMLElement).append(field('Passes over 4000 digits', epochs));

const rate = element('input', { type: 'range', min: 0, max: 100 * MOST, step: 5, value: 50 });
const share = element('output');
byId('rate', HTMLElement).append(field('Patches to drop', rate), share);
share.htmlFor.value = rate.id;
const pictures = new Pictures(byId('pictures', HTMLElement));
const chart = (id: string, title: string, name: string): Chart =>
  new Chart(byId(id, HTMLElement), { title, xLabel: 'share of patches dropped', lines: [{ name }] });
const accuracy = chart('accuracy', 'Digits read rightly', 'accuracy');
const speeds = chart('speeds', 'Images per second', 'images/s');

const meters = Array.from({ length: 10 }, () => element('meter', { min: 0, max: 1, value: 0 }));
const shares = meters.map(() => element('span'));
byId('guess', HTMLElement).append(
  ...meters.map((meter, digit) => {
    meter.setAttribute('aria-label', `Probability of ${digit}`);
    return element('li', {}, shares[digit] ?? '', meter);
  }),
);

let ink: Float32Array = new Float32Array(SIDE * SIDE);
let isTrained = false;

function show({ kept, probabilities, speed, unpruned }: Look): void {
  pictures.show(ink, kept);
  probabilities.forEach((share, digit) => {
    const [meter, words] = [meters[digit], shares[digit]];
    if (meter) meter.value = share;
    if (words) words.textContent = `${digit}: ${percent(share)}`;
  });
  byId('speed', HTMLElement).textContent =
    `${speed.toFixed(0)} images per second; unpruned ${unpruned.toFixed(0)}: ${(speed / unpruned).toFixed(2)} times as many.`;
}

let [isLooking, isDue] = [false, false];

/** Looks at the digit; what was changed meanwhile comes next. */
async function look(): Promise<void> {
  share.textContent = `${rate.value} % of them`;
  isDue = true;
  if (isLooking) return;
  isLooking = true;
  byId('trouble', HTMLElement).textContent = '';
  try {
    while (isDue) {
      isDue = false;
      if (!isTrained) pictures.show(ink, []);
      else show((await client.run('look', bar.backend, { ink, rate: Number(rate.value) / 100 })).result);
    }
  } catch (failure) {
    isTrained = false;
    byId('trouble', HTMLElement).textContent = failure instanceof Error ? failure.message : String(failure);
  } finally {
    isLooking = false;
  }
}

function see(digit: Float32Array): void {
  ink = digit;
  void look();
}

async function train(): Promise<Tensors> {
  isTrained = false;
  const order = { digits: digitsUrl(), epochs: numberIn(epochs), seed: 1 };
  try {
    const { result, tensors } = await client.run('train', bar.backend, order, {
      ready: (machine) => bar.ready(machine),
      progress: ({ step, steps, loss }) => {
        bar.progress({ share: step / steps, text: `step ${step} of ${steps}, loss ${loss.toFixed(2)}` });
      },
    });
    isTrained = true;
    const rates = result.points.map((point) => point.rate);
    accuracy.set(rates, [result.points.map((point) => point.accuracy)]);
    speeds.set(rates, [result.points.map((point) => point.speed)]);
    return tensors;
  } finally {
    void look();
  }
}

const bar = new RunBar(byId('run', HTMLElement), 'Train the net', { run: train, stop: () => client.stop() });
const drawing = new Drawing(byId('drawing', HTMLElement), (drawn: Ink) => see(asDigit(drawn)));
rate.addEventListener('input', () => void look());

const { test } = await fetchDigits(digitsUrl());
let picked = -1;

/** The next of the held-back digits. */
function pickNext(): void {
  picked = (picked + 1) % test.labels.length;
  const size = SIDE * SIDE;
  const digit = Float32Array.from(test.pixels.subarray(picked * size, (picked + 1) * size), (byte) => byte / 255);
  drawing.showGrey(digit);
  see(digit);
}

const sources: readonly (readonly [string, () => void])[] = [
  ['Next digit', pickNext],
  [
    'Clear',
    () => {
      drawing.clear();
      see(new Float32Array(SIDE * SIDE));
    },
  ],
];
for (const [name, act] of sources) {
  const button = element('button', { type: 'button' }, name);
  button.addEventListener('click', act);
  byId('sources', HTMLElement).append(button);
}
const photo = element('input', { type: 'file', accept: 'image/*' });
byId('photo', HTMLElement).append(field('Or a photo of one', photo));
photo.addEventListener('change', async () => {
  const file = photo.files?.[0];
  if (!file) return;
  try {
    see(asDigit(inkOf(drawing.show(await createImageBitmap(file)))));
  } catch {
    byId('trouble', HTMLElement).textContent = 'This file is no image that the browser can read.';
  }
});
pickNext();
document.body.dataset['loaded'] = 'cropr';
