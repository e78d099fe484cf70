/** Token Cropr: a small transformer that finds and reads a digit, the patches that it keeps, and what that saves. */
import { digitsUrl } from '../data/digits.js';
import { Chart } from '../shell/chart.js';
import { Client } from '../shell/client.js';
import { byId, element, field, numberIn, numberInput, percent } from '../shell/dom.js';
import type { Tensors } from '../shell/messages.js';
import { addHeader, RunBar } from '../shell/shell.js';
import { Drawing, greyOf } from './drawing.js';
import { asScene, inkOf } from './handwriting.js';
import type { CroprJobs, Look, LookOrder, Picked, Times } from './jobs.js';
import { GRID, SCENE } from './net.js';
import { Pictures } from './pictures.js';
import { MOST } from './rates.js';

/** Rates at which the net is judged. */
const JUDGED: readonly number[] = [0, 0.3, 0.5, 0.7, 0.8, MOST];

/** Scenes to pick from. */
const PICKED = 24;

addHeader('cropr');
const client = new Client<CroprJobs>('cropr');
const steps = numberInput(300, 10, 10_000, 10);
const back = element('button', { type: 'button' }, 'The first net again');
byId('settings', HTMLElement).append(field('Steps', steps), back);

const rate = element('input', { type: 'range', min: 0, max: 100 * MOST, step: 5, value: 60 });
const share = element('output');
byId('rate', HTMLElement).append(field('Patches to drop', rate), share);
share.htmlFor.value = rate.id;
const pictures = new Pictures(byId('pictures', HTMLElement));
const chart = (id: string, title: string, name: string, range: readonly [number, number?]): Chart =>
  new Chart(byId(id, HTMLElement), {
    title,
    xLabel: 'share of patches dropped',
    lines: [{ name }],
    range,
    xRange: [0, MOST],
  });
const accuracy = chart('accuracy', 'Scenes read rightly', 'accuracy', [0, 1]);
const speeds = chart('speeds', 'Images per second', 'images/s', [0]);
const losses = new Chart(byId('losses', HTMLElement), {
  title: 'Loss while it learns',
  xLabel: 'step',
  lines: [{ name: 'net' }, { name: 'routers, by their auxiliary heads' }],
  range: [0],
  height: 180,
});

const meters = Array.from({ length: 10 }, () => element('meter', { min: 0, max: 1, value: 0 }));
const shares = meters.map(() => element('span'));
byId('guess', HTMLElement).append(
  ...meters.map((meter, digit) => {
    meter.setAttribute('aria-label', `Probability of ${digit}`);
    return element('li', {}, shares[digit] ?? '', meter);
  }),
);
const [now, unpruned] = ['At this rate', 'Unpruned'].map((name) => {
  const bar = element('meter', { min: 0, max: 1, value: 0, 'aria-label': `Images per second: ${name}` });
  const words = element('span');
  byId('speed', HTMLElement).append(element('li', {}, element('span', { class: 'quiet' }, name), bar, words));
  return { bar, words };
}) as [SpeedLine, SpeedLine];

interface SpeedLine {
  bar: HTMLMeterElement;
  words: HTMLElement;
}

let scene: Float32Array = new Float32Array(SCENE.canvas ** 2);
let truth: number | undefined;
/** What lies below a drawing. */
let ground: Float32Array = scene;
let isTraining = false;

const trouble = byId('trouble', HTMLElement);

function fail(failure: unknown): void {
  trouble.textContent = failure instanceof Error ? failure.message : String(failure);
}

const asked = (): LookOrder => ({ scene, rate: Number(rate.value) / 100 });

function showLook({ kept, probabilities }: Look): void {
  pictures.show(scene, kept);
  probabilities.forEach((one, digit) => {
    const [meter, words] = [meters[digit], shares[digit]];
    if (meter) meter.value = one;
    if (words) words.textContent = `${digit}: ${percent(one)}`;
  });
  const guess = probabilities.indexOf(Math.max(...probabilities));
  const known = truth === undefined ? '' : truth === guess ? ', and that is right' : `, but it is a ${truth}`;
  byId('verdict', HTMLElement).textContent = `It reads a ${guess}${known}.`;
}

function showTimes(times: Times): void {
  const most = Math.max(times.speed, times.unpruned);
  [now.bar.value, unpruned.bar.value] = [times.speed / most, times.unpruned / most];
  const gain = times.speed / times.unpruned;
  now.words.textContent = `${times.speed.toFixed(0)} images per second, ${gain.toFixed(2)} times as many`;
  unpruned.words.textContent = `${times.unpruned.toFixed(0)} images per second`;
}

let [isLooking, isDue] = [false, false];

/** Looks at the scene; what was changed meanwhile comes next, and the times when nothing is. */
async function look(): Promise<void> {
  share.textContent = `${rate.value} % of ${GRID * GRID} patches`;
  if (isTraining) {
    client.wish(asked());
    return;
  }
  isDue = true;
  if (isLooking) return;
  isLooking = true;
  trouble.textContent = '';
  try {
    while (isDue) {
      isDue = false;
      showLook((await client.run('look', bar.backend, asked())).result);
      if (isDue || isTraining) continue;
      const order = asked();
      showTimes((await client.run('time', bar.backend, order)).result);
      document.body.dataset['looked'] = String(order.rate);
    }
  } catch (failure) {
    fail(failure);
  } finally {
    isLooking = false;
  }
}

function see(next: Float32Array, label?: number): void {
  [scene, truth] = [next, label];
  pictures.show(scene, []);
  void look();
}

let [isInView, isJudged, isJudging] = [false, false, false];

/** Measures the net at all rates, once, when the charts can be seen. */
async function judge(): Promise<void> {
  if (!isInView || isJudged || isJudging || isTraining) return;
  isJudging = true;
  for (const chart of [accuracy, speeds]) chart.clear();
  try {
    for (const rate of JUDGED) {
      const { result } = await client.run('judge', bar.backend, { digits: digitsUrl(), rate });
      if (isTraining) return;
      accuracy.add(rate, [result.accuracy]);
      speeds.add(rate, [result.speed]);
    }
    isJudged = true;
  } catch (failure) {
    fail(failure);
    // A second try would fail in the same way.
    isJudged = true;
  } finally {
    isJudging = false;
  }
}

async function train(): Promise<Tensors> {
  losses.clear();
  isTraining = true;
  const total = numberIn(steps);
  const order = { digits: digitsUrl(), steps: total, seed: 1, look: asked() };
  try {
    const { tensors } = await client.run('train', bar.backend, order, {
      ready: (machine) => bar.ready(machine),
      progress: ({ step, loss, routerLoss, look }) => {
        bar.progress({ share: step / total, text: `step ${step} of ${total}, loss ${loss.toFixed(2)}` });
        losses.add(step, [loss, routerLoss]);
        if (look) showLook(look);
      },
    });
    return tensors;
  } finally {
    isTraining = false;
    lookAnew();
  }
}

/** Looks with another net, or on another backend. */
function lookAnew(): void {
  isJudged = false;
  void look().then(judge);
}

const bar = new RunBar(byId('run', HTMLElement), 'Train the routers', {
  run: train,
  stop: () => client.stop(),
  onBackend: lookAnew,
});
back.addEventListener('click', () => {
  if (!isTraining) void client.run('goBack', bar.backend, undefined).then(lookAnew, fail);
});
const fit = element('input', { type: 'checkbox', checked: true });
const drawing = new Drawing(byId('drawing', HTMLElement), () => {
  const drawn = asScene(drawing.ink(), fit.checked);
  see(drawn.map((ink, i) => Math.max(ink, ground[i] as number)));
});
rate.addEventListener('input', () => void look());

/** Begins with another scene in the field; `label` is the digit in it. */
function begin(next: Float32Array, label?: number): void {
  ground = next;
  drawing.show(next);
  see(next, label);
}

const blank = new Float32Array(SCENE.canvas ** 2);
const picked = await client.run('pick', 'wasm', { digits: digitsUrl(), count: PICKED }).then(
  ({ result }) => result,
  (failure: unknown): Picked => {
    fail(failure);
    return { scenes: [], clutter: [] };
  },
);
const next = { scene: 0, clutter: 0 };

function pick(): void {
  const { scene = blank, label } = picked.scenes[next.scene++ % PICKED] ?? {};
  begin(scene, label);
}

const sources: readonly (readonly [string, () => void])[] = [
  ['Another scene', pick],
  ['Clutter alone', () => begin(picked.clutter[next.clutter++ % PICKED] ?? blank)],
  ['Empty', () => begin(blank)],
];
for (const [name, act] of sources) {
  const button = element('button', { type: 'button' }, name);
  button.addEventListener('click', act);
  byId('sources', HTMLElement).append(button);
}
const photo = element('input', { type: 'file', accept: 'image/*' });
byId('photo', HTMLElement).append(
  element('label', { class: 'check' }, fit, 'What I draw or load is one digit: fit it'),
  field('Or a photo', photo),
);
photo.addEventListener('change', async () => {
  const file = photo.files?.[0];
  if (!file) return;
  try {
    begin(asScene(inkOf(greyOf(await createImageBitmap(file))), fit.checked));
  } catch {
    trouble.textContent = 'This file is no image that the browser can read.';
  }
});

new IntersectionObserver((entries) => {
  isInView = entries.some(({ isIntersecting }) => isIntersecting);
  void judge();
}).observe(byId('accuracy', HTMLElement));
pick();
document.body.dataset['loaded'] = 'cropr';
