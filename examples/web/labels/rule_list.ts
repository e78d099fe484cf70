/** The list of rules that the user edits. */
import { choice, element, percent } from '../shell/dom.js';
import type { Rule, RuleFacts } from './reviews.js';

interface Row {
  root: HTMLElement;
  vote: HTMLSelectElement;
  words: HTMLInputElement;
  facts: HTMLElement;
}

/** How a rule does; how often it is right only if the truth may be seen. */
export function factsInWords(facts: RuleFacts | undefined, isRevealed: boolean): string {
  const { coverage = 0, conflict = 0, right = 0 } = facts ?? {};
  const parts = [`votes on ${percent(coverage)} of the reviews`];
  if (coverage > 0) parts.push(`contradicted on ${percent(conflict)} of them`);
  if (coverage > 0 && isRevealed) parts.push(`right on ${percent(right)}`);
  return parts.join(', ');
}

export class RuleList {
  private rows: Row[] = [];

  constructor(
    private readonly place: HTMLElement,
    private readonly onChange: () => void,
  ) {}

  get rules(): Rule[] {
    return this.rows.map(({ vote, words }) => ({ vote: vote.value === '1' ? 1 : 0, words: words.value }));
  }

  add(rule: Rule): HTMLInputElement {
    const vote = choice([
      ['1', 'Praise'],
      ['0', 'Blame'],
    ]);
    vote.value = String(rule.vote);
    vote.setAttribute('aria-label', 'What the rule votes for');
    const words = element('input', { type: 'text', 'aria-label': 'Words of the rule', spellcheck: 'false' });
    words.value = rule.words;
    const remove = element('button', { type: 'button', 'aria-label': 'Remove the rule' }, '×');
    const facts = element('span', { class: 'facts quiet' });
    const root = element('fieldset', { class: 'rule' }, vote, words, remove, facts);
    const row = { root, vote, words, facts };
    vote.addEventListener('change', this.onChange);
    words.addEventListener('input', this.onChange);
    remove.addEventListener('click', () => {
      const at = this.rows.indexOf(row);
      this.rows.splice(at, 1);
      root.remove();
      (this.rows[at] ?? this.rows[at - 1])?.words.focus();
      this.onChange();
    });
    this.rows.push(row);
    this.place.append(root);
    return words;
  }

  /** Writes below each rule how it does. */
  show(facts: readonly RuleFacts[], isRevealed: boolean): void {
    this.rows.forEach((row, i) => {
      row.facts.textContent = factsInWords(facts[i], isRevealed);
    });
  }
}
