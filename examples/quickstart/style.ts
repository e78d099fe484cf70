/** How the page looks: by the reader's system light or dark, and on a phone one digit per row. */
export const STYLE = `
:root { color-scheme: light dark; --page: #fbfaf7; --text: #1d1d1b; --quiet: #5c5a55; --line: #d8d5cd;
  --kept: #b4530a; --pruned: #d9d6cf; --invert: 1; }
@media (prefers-color-scheme: dark) {
  :root { --page: #161616; --text: #ecebe7; --quiet: #a8a69f; --line: #3a3936; --kept: #f0a04b; --pruned: #34332f;
    --invert: 0; }
}
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .75rem; }
p { max-width: 44rem; }
.digits { list-style: none; margin: 1.5rem 0; padding: 0; display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
figure { margin: 0; }
.row { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: .5rem; }
svg { display: block; width: 100%; border-radius: 2px; outline: 1px solid var(--line); }
image { image-rendering: pixelated; filter: invert(var(--invert)); }
.pruned { fill: var(--pruned); fill-opacity: .9; }
.kept { fill: none; stroke: var(--kept); stroke-width: .4; }
.row span { display: block; font-size: .8rem; color: var(--quiet); }
figcaption { margin-top: .25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; max-width: 44rem; padding-bottom: .5rem; color: var(--quiet); }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child { text-align: left; font-weight: 600; }
`;
