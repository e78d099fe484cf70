/** Language: the dictionary of two nets while they learn, and how orderly it is. */
import { SHAPES } from '../../lewis-game/objects.js';
import type { Regime } from '../../lewis-game/regimes.js';
import { Chart } from '../shell/chart.js';
import { Client } from '../shell/client.js';
import { byId, choice, element, field, numberIn, numberInput, percent } from '../shell/dom.js';
import type { Tensors } from '../shell/messages.js';
import { addHeader, RunBar } from '../shell/shell.js';
import type { LanguageJobs, PlayProgress } from './jobs.js';
import { tellsOf, verdictOn } from './order.js';
import { ProtocolTable } from './protocol.js';

/** Share of the last report in the shown mean of wins: twenty iterations alone jump about. */
const FRESH = 0.2;

const REGIMES: readonly (readonly [Regime, string])[] = [
  ['partialBalanced', 'both forget all but their strongest tenth'],
  ['receiverReset', 'the listener begins anew'],
  ['noReset', 'nothing is forgotten'],
];

addHeader('language');
const client = new Client<LanguageJobs>('language');
const regime = choice(REGIMES);
const period = numberInput(3000, 100, 10_000, 100);
const iterations = numberInput(12_000, 20, 100_000, 20);
const seed = numberInput(1, 1, 1000, 1);
byId('settings', HTMLElement).append(
  field('Forgetting', regime),
  field('every … iterations', period),
  field('Iterations', iterations),
  field('Seed', seed),
);
regime.addEventListener('change', () => {
  period.disabled = regime.value === 'noReset';
});

const protocol = new ProtocolTable(byId('protocol', HTMLTableElement));
const chart = new Chart(byId('chart', HTMLElement), {
  title: 'Found, and how orderly',
  xLabel: 'iteration',
  lines: [{ name: 'found' }, { name: 'topographic similarity' }],
  range: [-0.2, 1],
});

function showTells(language: readonly (readonly number[])[]): void {
  const lines = tellsOf(language, SHAPES).map(({ colour, shape }, place) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, `symbol ${place + 1}`),
      ...[colour, shape].map((share) => element('td', {}, percent(share))),
    ),
  );
  byId('tells', HTMLTableElement).replaceChildren(
    element('caption', {}, 'What a symbol tells of what there is to know'),
    element('tr', {}, ...['', 'colour', 'shape'].map((name) => element('th', { scope: 'col' }, name))),
    ...lines,
  );
}

async function play(): Promise<Tensors> {
  chart.clear();
  const order = {
    regime: regime.value as Regime,
    iterations: numberIn(iterations),
    period: numberIn(period),
    seed: numberIn(seed),
  };
  let found = Number.NaN;
  const progress = ({ iteration, won, similarity, language }: PlayProgress): void => {
    found = Number.isNaN(found) ? won : found + FRESH * (won - found);
    bar.progress({ share: iteration / order.iterations, text: `iteration ${iteration} of ${order.iterations}` });
    chart.add(iteration, [found, similarity]);
    protocol.show(language);
    byId('verdict', HTMLElement).textContent = verdictOn(language, SHAPES);
    showTells(language);
  };
  const ready = (machine: string): void => bar.ready(machine);
  const { tensors } = await client.run('play', bar.backend, order, { ready, progress });
  return tensors;
}

const bar = new RunBar(byId('run', HTMLElement), 'Play', { run: play, stop: () => client.stop() });
document.body.dataset['loaded'] = 'language';
