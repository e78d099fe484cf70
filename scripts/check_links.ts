/**
 * Walks a folder of pages as a reader would who gets it from any host, below any path:
 *
 *     tsx scripts/check_links.ts site
 *
 * Every link within must lead to a file, and to a place in it. Every document must be linked from the first page.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

const [name = 'site'] = process.argv.slice(2);
const root = resolve(name);

interface Page {
  links: string[];
  ids: Set<string>;
}

const decode = (text: string): string => decodeURIComponent(text.replaceAll('&amp;', '&'));

const pages = new Map<string, Page>();
for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.html')) continue;
  const html = readFileSync(join(root, path), 'utf8');
  const all = (pattern: RegExp): string[] => [...html.matchAll(pattern)].map(([, value = '']) => decode(value));
  pages.set(join(root, path), { links: all(/\s(?:href|src)="([^"]*)"/g), ids: new Set(all(/\sid="([^"]*)"/g)) });
}

const problems: string[] = [];
const first = join(root, 'index.html');
const linked = new Set<string>();
for (const [from, { links }] of pages) {
  for (const link of links) {
    if (/^(https?|data|mailto):/.test(link)) continue;
    const [path = '', place = ''] = link.replace(/\?[^#]*/, '').split('#');
    const target = path === '' ? from : join(dirname(from), path);
    const page = pages.get(target);
    if (from === first) linked.add(target);
    if (path.startsWith('/')) problems.push(`${relative(root, from)}: ${link} holds at the root of a host only`);
    else if (relative(root, target).startsWith('..')) problems.push(`${relative(root, from)}: ${link} leads out`);
    else if (!existsSync(target) || !statSync(target).isFile())
      problems.push(`${relative(root, from)}: ${link} is not there`);
    else if (page && place !== '' && !page.ids.has(place))
      problems.push(`${relative(root, from)}: ${link} is no place there`);
  }
}

const documents = [...pages.keys()].filter((path) => relative(root, path).split(sep)[0] === 'documents');
for (const path of documents) {
  if (!linked.has(path)) problems.push(`index.html: no link to ${relative(root, path)}`);
}

console.log(problems.join('\n'));
console.log(`${pages.size} pages, ${documents.length} documents, ${problems.length} bad links in ${name}`);
process.exitCode = pages.size > 0 && documents.length > 0 && problems.length === 0 ? 0 : 1;
