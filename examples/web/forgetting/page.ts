/** Forgetting: one net trains in three ways side by side. */
import { digitsUrl } from '../data/digits.js';
import { Chart } from '../shell/chart.js';
import { Client } from '../shell/client.js';
import { byId, choice, element, field, numberIn, numberInput, percent } from '../shell/dom.js';
import type { Tensors } from '../shell/messages.js';
import { addHeader, RunBar } from '../shell/shell.js';
import { type ForgettingJobs, type TrainOrder, type TrainProgress, WAYS, type Way } from './jobs.js';

addHeader('forgetting');
/** A worker for each way, so that they train at the same time. */
const clients = new Map(WAYS.map(([way]) => [way, new Client<ForgettingJobs>('forgetting')]));
const noise = choice([
  ['0', 'none'],
  ['0.2', '20 %'],
  ['0.4', '40 %'],
  ['0.6', '60 %'],
]);
noise.value = '0.4';
const perClass = numberInput(40, 5, 100, 5);
const generations = numberInput(4, 2, 10, 1);
const epochs = numberInput(20, 4, 100, 4);
const seed = numberInput(1, 1, 1000, 1);
byId('settings', HTMLElement).append(
  field('Wrong labels', noise),
  field('Digits of each class', perClass),
  field('Generations', generations),
  field('Epochs in each', epochs),
  field('Seed', seed),
);

const lines = WAYS.map(([, name]) => ({ name }));
const chart = (id: string, title: string, range?: readonly [number, number]): Chart =>
  new Chart(byId(id, HTMLElement), { title, xLabel: 'epoch', lines, ...(range && { range }) });
const charts = {
  accuracy: chart('accuracy', 'Other digits read rightly', [0, 1]),
  depth: chart('depth', 'Prediction depth', [0, 4]),
  memorised: chart('memorised', 'Wrong labels learned by heart', [0, 1]),
  loss: chart('loss', 'Training loss'),
};
const keys = Object.keys(charts) as (keyof typeof charts)[];

const latest = new Map<Way, TrainProgress>();

function showNow(): void {
  const cells = ({ epoch, accuracy, depth, memorised }: TrainProgress): string[] => [
    String(epoch),
    percent(accuracy),
    depth.toFixed(2),
    percent(memorised),
  ];
  const rows = WAYS.map(([way, name]) => {
    const now = latest.get(way);
    const values = now ? cells(now) : ['', '', '', ''];
    const row = values.map((text) => element('td', {}, text));
    return element('tr', {}, element('th', { scope: 'row' }, name), ...row);
  });
  const head = ['', 'epoch', 'read rightly', 'depth', 'by heart'].map((text) => element('th', { scope: 'col' }, text));
  byId('now', HTMLTableElement).replaceChildren(
    element('caption', {}, 'Where they are'),
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows),
  );
}

function stop(): void {
  for (const client of clients.values()) client.stop();
}

async function train(): Promise<Tensors> {
  latest.clear();
  showNow();
  byId('divergence', HTMLElement).textContent = '';
  const [count, each] = [numberIn(generations), numberIn(epochs)];
  for (const one of Object.values(charts)) {
    one.clear();
    one.mark(Array.from({ length: count - 1 }, (_, i) => (i + 1) * each));
  }
  const order: Omit<TrainOrder, 'way'> = {
    digits: digitsUrl(),
    perClass: numberIn(perClass),
    noise: Number(noise.value),
    generations: count,
    epochsPerGeneration: each,
    seed: numberIn(seed),
  };
  const total = WAYS.length * count * each;
  const progress = (way: Way, line: number, now: TrainProgress): void => {
    latest.set(way, now);
    const done = [...latest.values()].reduce((sum, { epoch }) => sum + epoch, 0);
    bar.progress({ share: done / total, text: `${done} of ${total} epochs in all` });
    for (const key of keys) charts[key].put(line, now.epoch, Number.isFinite(now[key]) ? now[key] : null);
    showNow();
  };
  const runs = [...clients].map(([way, client], line) =>
    client.run(
      'train',
      bar.backend,
      { ...order, way },
      {
        ready: (machine) => bar.ready(machine),
        progress: (now) => progress(way, line, now),
      },
    ),
  );
  const outcomes = await Promise.all(runs).catch(async (failure: unknown) => {
    // The others should not go on alone.
    stop();
    await Promise.allSettled(runs);
    throw failure;
  });
  byId('divergence', HTMLElement).textContent = outcomes.map(({ result }) => result.divergence ?? '').join('');
  return {
    before: outcomes.reduce((sum, { tensors }) => sum + tensors.before, 0),
    after: outcomes.reduce((sum, { tensors }) => sum + tensors.after, 0),
  };
}

const bar = new RunBar(byId('run', HTMLElement), 'Train all three', { run: train, stop });
showNow();
document.body.dataset['loaded'] = 'forgetting';
