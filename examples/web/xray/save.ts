import { element } from '../shell/dom.js';

/** Lets the browser save something as a file. */
export function saveAs(name: string, content: string | Blob, type: string): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  element('a', { href: url, download: name }).click();
  // The browser reads it after this.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
