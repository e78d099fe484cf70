/** What all pages have in common: the menu, the switch of backends, start and stop, progress, errors. */
import './style.css';
import { PAGES, type PageName } from '../pages.js';
import { element } from './dom.js';
import { watchLongTasks } from './long_tasks.js';
import type { BackendName, Tensors } from './messages.js';

const BACKENDS: readonly (readonly [name: BackendName, text: string])[] = [
  ['wasm', 'WASM'],
  ['webgl', 'WebGL'],
];

/** The menu; on the page of a method its link is marked. */
export function addHeader(current?: PageName): void {
  const up = current ? '../' : './';
  const links = PAGES.map(({ name, title }) => {
    const attributes = { href: `${up}${name}/index.html`, 'aria-current': name === current ? 'page' : undefined };
    return element('li', {}, element('a', attributes, title));
  });
  // `npm run site` puts the pages one folder below the documentation.
  if (import.meta.env.PROD)
    links.push(element('li', {}, element('a', { href: `${up}../index.html` }, 'Documentation')));
  document.body.prepend(
    element('a', { class: 'skip', href: '#main' }, 'To the page'),
    element(
      'header',
      {},
      element('a', { class: 'home', href: `${up}index.html` }, 'tfjs-llf'),
      element('nav', { 'aria-label': 'Pages' }, element('ul', {}, ...links)),
    ),
  );
}

/** What a run tells its bar. */
export interface Progress {
  /** Share of the way, 0 to 1. */
  share: number;
  text: string;
}

/** The bar with backend, start and stop. */
export class RunBar {
  private readonly start = element('button', { type: 'button', class: 'main' });
  private readonly halt = element('button', { type: 'button', disabled: true }, 'Stop');
  private readonly bar = element('progress', { max: 1, value: 0, 'aria-label': 'Progress' });
  private readonly now = element('span', { class: 'now' });
  private readonly status = element('p', { role: 'status', class: 'quiet' });
  private readonly error = element('p', { role: 'alert', class: 'error' });
  private readonly radios = BACKENDS.map(([value]) =>
    element('input', { type: 'radio', name: 'backend', value, checked: value === 'wasm' }),
  );
  private machine = '';

  constructor(
    place: HTMLElement,
    startText: string,
    private readonly act: { run: () => Promise<Tensors>; stop: () => void; onBackend?: () => void },
  ) {
    this.start.append(startText);
    const switches = this.radios.map((radio, i) => element('label', {}, radio, BACKENDS[i]?.[1] ?? ''));
    place.append(
      element(
        'div',
        { class: 'run' },
        element('fieldset', { class: 'switch' }, element('legend', {}, 'Backend'), ...switches),
        element('div', { class: 'buttons' }, this.start, this.halt),
        element('div', { class: 'progress' }, this.bar, this.now),
      ),
      this.status,
      this.error,
    );
    for (const radio of this.radios) radio.addEventListener('change', () => this.act.onBackend?.());
    this.start.addEventListener('click', () => void this.go());
    this.halt.addEventListener('click', () => {
      this.halt.disabled = true;
      this.act.stop();
    });
  }

  get backend(): BackendName {
    return this.radios[1]?.checked ? 'webgl' : 'wasm';
  }

  /** What the worker runs on. */
  ready(machine: string): void {
    this.machine = machine;
    this.status.textContent = `Running on ${machine}`;
  }

  progress({ share, text }: Progress): void {
    this.bar.value = share;
    this.now.textContent = text;
  }

  private async go(): Promise<void> {
    this.error.textContent = '';
    this.progress({ share: 0, text: '' });
    this.setRunning(true);
    const longest = watchLongTasks();
    this.status.textContent = 'Loading …';
    try {
      const tensors = await this.act.run();
      const held = Math.round(longest());
      Object.assign(document.body.dataset, { ...tensors, longest: held });
      const busy = held > 0 ? `busy for at most ${held} ms at a time` : 'never busy for 50 ms';
      const left = tensors.after - tensors.before;
      this.status.textContent = `${this.machine} Meanwhile this page was ${busy}; ${left === 0 ? 'no tensor was' : `${left} tensors were`} left behind.`;
    } catch (failure) {
      this.status.textContent = '';
      this.error.textContent = failure instanceof Error ? failure.message : String(failure);
    } finally {
      longest();
      this.setRunning(false);
    }
  }

  private setRunning(isRunning: boolean): void {
    const hadFocus = document.activeElement === (isRunning ? this.start : this.halt);
    this.start.disabled = isRunning;
    this.halt.disabled = !isRunning;
    for (const radio of this.radios) radio.disabled = isRunning;
    // A button that is switched off loses the focus to nowhere.
    if (hadFocus || document.activeElement === document.body)
      (isRunning ? this.halt : this.start).focus({ preventScroll: true });
    document.body.dataset['state'] = isRunning ? 'running' : 'idle';
  }
}
