import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { root } from './entries.js';

/** A TypeScript block of the documentation. */
export interface Example {
  /** File and line: `README.md:12`. */
  where: string;
  code: string;
  /** Why it is only type-checked: what follows `no-run` in a Markdown fence. */
  noRun?: string;
}

function files(folder: string, extension: string): string[] {
  if (!existsSync(resolve(root, folder))) return [];
  return readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith(extension) && !path.endsWith('.d.ts'))
    .sort();
}

/** The fenced `ts` blocks of a text, with line numbers from 1. */
function blocks(lines: readonly string[]): { line: number; info: string; code: string }[] {
  const found: { line: number; info: string; code: string }[] = [];
  for (let i = 0; i < lines.length; i++) {
    const [, indent = '', info] = /^(\s*)```(?:ts|typescript)\b(.*)$/.exec(lines[i] ?? '') ?? [];
    if (info === undefined) continue;
    const line = i + 1;
    const body: string[] = [];
    while (++i < lines.length && (lines[i] ?? '').trim() !== '```') body.push((lines[i] ?? '').slice(indent.length));
    found.push({ line, info: info.trim(), code: body.join('\n') });
  }
  return found;
}

/** Everything outside of documentation comments as empty lines, the comments without their frame. */
function comments(source: string): string[] {
  let inside = false;
  return source.split('\n').map((line) => {
    if (/^\s*\/\*\*/.test(line)) inside = true;
    const text = inside ? line.replace(/^\s*\/?\*+\/? ?/, '') : '';
    if (line.includes('*/')) inside = false;
    return text;
  });
}

/** Every `ts` block of the documentation: in comments of `src`, in README.md and in `docs`. */
export function examples(): Example[] {
  const sources = files('src', '.ts').map((path) => ({
    path,
    lines: comments(readFileSync(resolve(root, path), 'utf8')),
  }));
  const pages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...files('docs', '.md'), ...files('bench', '.md')]
    .filter((path) => existsSync(resolve(root, path)))
    .map((path) => ({ path, lines: readFileSync(resolve(root, path), 'utf8').split('\n') }));
  return [...sources, ...pages].flatMap(({ path, lines }) =>
    blocks(lines).map(({ line, info, code }) => {
      const where = `${path}:${line}`;
      if (info === '') return { where, code };
      const [, noRun] = /^no-run:\s*(\S.*)$/.exec(info) ?? [];
      if (noRun === undefined) throw new Error(`${where}: after \`ts\` may stand "no-run: a reason", not "${info}".`);
      return { where, code, noRun };
    }),
  );
}
