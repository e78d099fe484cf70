/** The reviews with what the rules and the flow think of them. */
import { byId, choice, element, field, percent } from '../shell/dom.js';
import { hasVote, isContested, majorityOf, type Review } from './reviews.js';

/** All that is known of the reviews. */
export interface Known {
  reviews: readonly Review[];
  votes: readonly (readonly number[])[];
  /** Of praise; undefined before the first training. */
  probabilities: ArrayLike<number> | undefined;
  isRevealed: boolean;
}

const PAGE_SIZE = 20;

const FILTERS: readonly (readonly [value: string, text: string, keep: (known: Known, n: number) => boolean])[] = [
  ['all', 'All', () => true],
  ['silent', 'No rule votes', ({ votes }, n) => !hasVote(votes[n] ?? [])],
  ['contested', 'Rules contradict each other', ({ votes }, n) => isContested(votes[n] ?? [])],
  ['against', 'The flow contradicts the rules', contradicts],
  ['wrong', 'The flow is wrong', ({ reviews, probabilities }, n) => isWrong(probabilities?.[n], reviews[n]?.truth)],
];

function contradicts({ votes, probabilities }: Known, n: number): boolean {
  const majority = majorityOf(votes[n] ?? []);
  return probabilities !== undefined && majority >= 0 && Number((probabilities[n] ?? 0) > 0.5) !== majority;
}

function isWrong(praise: number | undefined, truth: number | undefined): boolean {
  return praise !== undefined && Number(praise > 0.5) !== truth;
}

export class ReviewList {
  private readonly filter = choice(FILTERS.map(([value, text]) => [value, text] as const));
  private readonly more = element('button', { type: 'button' }, 'Show more');
  private readonly count = element('span', { class: 'quiet' });
  private readonly list = byId('reviews', HTMLOListElement);
  private shown = PAGE_SIZE;
  private known: Known | undefined;

  constructor() {
    byId('filter', HTMLElement).append(field('Show', this.filter), this.count);
    this.list.after(this.more);
    this.filter.addEventListener('change', () => {
      this.shown = PAGE_SIZE;
      this.draw();
    });
    this.more.addEventListener('click', () => {
      this.shown += PAGE_SIZE;
      this.draw();
    });
  }

  show(known: Known): void {
    this.known = known;
    this.draw();
  }

  private draw(): void {
    const { known } = this;
    if (!known) return;
    const keep = FILTERS.find(([value]) => value === this.filter.value)?.[2] ?? (() => true);
    const chosen = [...known.reviews.keys()].filter((n) => keep(known, n));
    this.count.textContent = `${chosen.length} of ${known.reviews.length} reviews`;
    this.more.hidden = chosen.length <= this.shown;
    this.list.replaceChildren(...chosen.slice(0, this.shown).map((n) => line(known, n)));
  }
}

function line({ reviews, votes, probabilities, isRevealed }: Known, n: number): HTMLElement {
  const { text = '', truth } = reviews[n] ?? {};
  const own = votes[n] ?? [];
  const [praise, blame] = [1, 0].map((vote) => own.filter((one) => one === vote).length);
  const said = hasVote(own) ? `rules: ${praise} praise, ${blame} blame` : 'no rule votes';
  const hidden = isRevealed ? `; in truth ${truth === 1 ? 'praise' : 'blame'}` : '';
  const item = element('li', {}, element('blockquote', {}, text));
  const belief = probabilities?.[n];
  if (belief !== undefined) {
    const meter = element('meter', { min: 0, max: 1, 'aria-label': 'Probability of praise' });
    meter.value = belief;
    const isMarked = isRevealed && isWrong(belief, truth);
    const words = element('span', { class: isMarked ? 'wrong' : undefined }, `praise: ${percent(belief)}`);
    item.append(element('div', { class: 'belief' }, words, meter));
  }
  item.append(element('span', { class: 'quiet' }, `${said}${hidden}`));
  return item;
}
