// @ts-check
/**
 * Formulas of the documentation as MathML, which browsers show without a script or a font. They are written as GitHub
 * reads them: `$x$`, with backticks within the dollars where Markdown would see signs of its own, or a block named math.
 */
import temml from 'temml';
import { Application } from 'typedoc';

/** No space inside of the dollars and no digit behind them, so that prices stay prices. */
const inline = /\$(?:`([^`]+)`|(?!\s)([^$`]+)(?<!\s))\$(?!\d)/y;

/** @param {string} formula @param {boolean} displayMode */
const mathML = (formula, displayMode) => temml.renderToString(formula, { displayMode, throwOnError: true });

/** @param {any} markdown The parser of markdown-it, which typedoc hands over without a type. */
function readFormulas(markdown) {
  markdown.inline.ruler.before('escape', 'math', (/** @type {any} */ state, /** @type {boolean} */ silent) => {
    inline.lastIndex = state.pos;
    const [all, quoted, plain] = inline.exec(state.src) ?? [];
    if (all === undefined) return false;
    if (!silent) state.push('math', 'math', 0).content = quoted ?? plain;
    state.pos += all.length;
    return true;
  });
  const { rules } = markdown.renderer;
  const { fence } = rules;
  rules.math = (/** @type {any[]} */ tokens, /** @type {number} */ i) => mathML(tokens[i].content, false);
  rules.fence = (/** @type {any[]} */ tokens, /** @type {number} */ i, /** @type {any[]} */ ...rest) =>
    tokens[i].info.trim() === 'math' ? mathML(tokens[i].content, true) : fence(tokens, i, ...rest);
}

/** @param {Application} app */
export function load(app) {
  // Before, the options are read anew.
  app.on(Application.EVENT_BOOTSTRAP_END, () => app.options.setValue('markdownItLoader', readFormulas));
}
