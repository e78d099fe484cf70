/** Pages are made of elements, never of markup in strings: what a user types stays text. */

/** Attributes of an element by name; true is an empty one, false and undefined none. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A new element. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children);
  return made;
}

/** The element of the page with this id. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`byId: page must hold a ${kind.name} "${id}", received ${found}.`);
  return found;
}

let fields = 0;

/** A labelled control in a row of settings. */
export function field(label: string, control: HTMLElement): HTMLElement {
  fields += 1;
  control.id = `field-${fields}`;
  return element('div', { class: 'field' }, element('label', { for: control.id }, label), control);
}

/** A choice of one of several. */
export function choice(options: readonly (readonly [value: string, text: string])[]): HTMLSelectElement {
  return element('select', {}, ...options.map(([value, text]) => element('option', { value }, text)));
}

export const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(0)} %` : 'none');

/** An input of a whole number. */
export function numberInput(value: number, min: number, max: number, step: number): HTMLInputElement {
  return element('input', { type: 'number', inputmode: 'numeric', value, min, max, step });
}

/** The number in such an input, within its limits whatever was typed. */
export function numberIn({ value, min, max }: HTMLInputElement): number {
  return Math.min(Number(max), Math.max(Number(min), Math.round(Number(value)) || Number(min)));
}
