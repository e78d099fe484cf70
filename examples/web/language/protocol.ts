/** The dictionary as a table: a row for each colour, a column for each shape, a message in each cell. */
import { COLOURS, SHAPES } from '../../lewis-game/objects.js';
import { element } from '../shell/dom.js';

const COLOUR_NAMES = ['red', 'orange', 'yellow', 'green', 'cyan', 'blue', 'violet', 'grey'];
const SHAPE_NAMES = ['circle ●', 'square ■', 'triangle ▲', 'star ★'];

/** The letter that stands for a symbol. */
const letter = (symbol: number): string => String.fromCharCode(65 + symbol);

export class ProtocolTable {
  private readonly cells: HTMLTableCellElement[] = [];

  constructor(table: HTMLTableElement) {
    const head = ['', ...SHAPE_NAMES].map((name) => element('th', { scope: 'col' }, name));
    const rows = Array.from({ length: COLOURS }, (_, colour) => {
      const swatch = element('span', { class: `swatch c${colour}` });
      const cells = Array.from({ length: SHAPES }, () => element('td'));
      this.cells.push(...cells);
      return element('tr', {}, element('th', { scope: 'row' }, swatch, COLOUR_NAMES[colour] ?? ''), ...cells);
    });
    table.append(element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
  }

  show(language: readonly (readonly number[])[]): void {
    this.cells.forEach((cell, object) => {
      const message = language[object] ?? [];
      const text = message.map(letter).join('');
      if (cell.textContent === text) return;
      cell.replaceChildren(...message.map((symbol) => element('span', { class: `symbol s${symbol}` }, letter(symbol))));
    });
  }
}
