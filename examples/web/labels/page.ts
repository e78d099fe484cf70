/** Labels from rules: the rules, their coverage and conflicts, the flow that learns from them, and the hidden truth. */
import { Chart } from '../shell/chart.js';
import { Client } from '../shell/client.js';
import { byId, choice, element, field, numberIn, numberInput, percent } from '../shell/dom.js';
import type { Tensors } from '../shell/messages.js';
import { addHeader, RunBar } from '../shell/shell.js';
import type { LabelJobs, LearnProgress } from './jobs.js';
import { ReviewList } from './review_list.js';
import {
  accuracyOf,
  FIRST_RULES,
  factsOf,
  featuresOf,
  hasVote,
  isContested,
  loadReviews,
  majorityOf,
  type Review,
  reliabilityOf,
  SETS,
  type SetName,
  vocabularyOf,
  votesOn,
} from './reviews.js';
import { factsInWords, RuleList } from './rule_list.js';

const WORDS = 100;
/** Labels that one may look at to bound the errors of the rules. */
const FEW = 50;
const BINS = 10;

addHeader('labels');
const client = new Client<LabelJobs>('labels');
const set = choice(SETS);
const reveal = element('input', { type: 'checkbox' });
const bounds = choice([
  ['majority', 'as often as it contradicts the majority'],
  ['few', `as on the first ${FEW} reviews, whose labels it may see`],
]);
const epochs = numberInput(200, 10, 500, 10);
byId('settings', HTMLElement).append(
  field('Reviews of', set),
  field('A rule may be wrong', bounds),
  field('Epochs', epochs),
  element('label', { class: 'check' }, reveal, 'Show the hidden truth'),
);

const asks = element('input', { type: 'checkbox', checked: true });
const listFacts = element('span', { class: 'quiet' });
byId('list', HTMLElement).append(
  element('label', { class: 'check' }, asks, 'Also ask a word list (AFINN)'),
  ' ',
  listFacts,
);

const rules = new RuleList(byId('rules', HTMLElement), () => reread());
const list = new ReviewList();
const loss = new Chart(byId('loss', HTMLElement), {
  title: 'Loss of the flow',
  xLabel: 'epoch',
  lines: [{ name: 'loss' }],
});
const reliability = new Chart(byId('reliability', HTMLElement), {
  title: 'How far a probability can be trusted',
  xLabel: 'probability of praise',
  lines: [{ name: 'share that is praise' }, { name: 'if it were right', dashed: true }],
  range: [0, 1],
});

let reviews: readonly Review[] = [];
let votes: number[][] = [];
let probabilities: Float32Array | undefined;
/** Counts what rules and reviews have been, so that nothing is shown beside others than it was learned from. */
let version = 0;

const truthOf = (): number[] => reviews.map(({ truth }) => truth);

/** Reads the rules again: what was learned from others no longer stands. */
function reread(): void {
  votes = votesOn(rules.rules, reviews, asks.checked);
  probabilities = undefined;
  version += 1;
  byId('broken', HTMLElement).textContent = '';
  loss.clear();
  show();
}

/** Shows everything: after a change of the rules, or of what may be seen. */
function show(): void {
  const truth = truthOf();
  const facts = factsOf(votes, truth);
  rules.show(facts, reveal.checked);
  listFacts.textContent = asks.checked ? factsInWords(facts.at(-1), reveal.checked) : '';
  const share = (test: (row: readonly number[]) => boolean): string =>
    percent(votes.filter(test).length / votes.length);
  byId('coverage', HTMLElement).textContent =
    `At least one rule votes on ${share(hasVote)} of ${reviews.length} reviews; on ${share(isContested)} they contradict each other.`;
  showBeliefs();
}

/** Shows what the flow believes. */
function showBeliefs(): void {
  const truth = truthOf();
  list.show({ reviews, votes, probabilities, isRevealed: reveal.checked });
  showScores(truth);
  const bins = probabilities && reveal.checked ? reliabilityOf(probabilities, truth, BINS) : [];
  const middles = bins.map(({ middle }) => middle);
  reliability.set(middles, [bins.map(({ praise }) => praise), middles]);
}

/** How often rules and flow are right, on all reviews and on those without a vote. */
function showScores(truth: readonly number[]): void {
  const table = byId('scores', HTMLTableElement);
  if (!reveal.checked || !probabilities) {
    const hint = probabilities ? 'Show the hidden truth to see who is right how often.' : '';
    table.replaceChildren(element('caption', {}, hint));
    return;
  }
  const flow = Array.from(probabilities, (praise) => Number(praise > 0.5));
  const answers = [votes.map(majorityOf), flow];
  const groups: readonly (readonly [name: string, rows: number[]])[] = [
    ['all', [...votes.keys()]],
    ['with votes', [...votes.keys()].filter((n) => hasVote(votes[n] ?? []))],
    ['without', [...votes.keys()].filter((n) => !hasVote(votes[n] ?? []))],
  ];
  const line = (name: string, all: readonly number[]): HTMLElement =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, name),
      ...groups.map(([, rows]) => {
        const share = accuracyOf(
          rows.map((n) => all[n] as number),
          rows.map((n) => truth[n] as number),
        );
        return element('td', {}, percent(share));
      }),
    );
  table.replaceChildren(
    element('caption', {}, 'Reviews that are understood rightly; without an answer one counts half.'),
    element('thead', {}, element('tr', {}, ...['reviews', ...groups.map(([name]) => name)].map(headCell))),
    element('tbody', {}, ...['majority of the rules', 'flow'].map((name, i) => line(name, answers[i] ?? []))),
  );
}

function headCell(text: string): HTMLElement {
  return element('th', { scope: 'col' }, text);
}

async function load(): Promise<void> {
  reviews = await loadReviews(set.value as SetName);
  reread();
  document.body.dataset['loaded'] = set.value;
}

async function learn(): Promise<Tensors> {
  if (!votes.some(hasVote)) throw new Error('No rule votes on any review: write words that stand in some.');
  loss.clear();
  const asked = version;
  const total = numberIn(epochs);
  const order = {
    x: featuresOf(reviews, vocabularyOf(reviews, WORDS), asks.checked),
    votes,
    known: bounds.value === 'few' ? truthOf().map((label, n) => (n < FEW ? label : -1)) : [],
    epochs: total,
    seed: 1,
  };
  const progress = (now: LearnProgress): void => {
    bar.progress({ share: now.epoch / total, text: `epoch ${now.epoch} of ${total}` });
    if (asked !== version) return;
    loss.add(now.epoch, [now.loss]);
    probabilities = now.probabilities;
    showBeliefs();
  };
  const { result, tensors } = await client.run('learn', bar.backend, order, {
    ready: (machine) => bar.ready(machine),
    progress,
  });
  const names = result.broken.map((rule) => `"${rules.rules[rule]?.words ?? 'the word list'}"`);
  if (names.length > 0 && asked === version)
    byId('broken', HTMLElement).textContent =
      `Wrong more often than it may be, by what the flow learned: ${names.join(', ')}.`;
  return tensors;
}

const bar = new RunBar(byId('run', HTMLElement), 'Learn from the rules', { run: learn, stop: () => client.stop() });

for (const rule of FIRST_RULES) rules.add(rule);
byId('add', HTMLButtonElement).addEventListener('click', () => {
  rules.add({ vote: 1, words: '' }).focus();
  reread();
});
reveal.addEventListener('change', show);
set.addEventListener('change', () => void load());
for (const control of [bounds, asks]) control.addEventListener('change', reread);
await load();
