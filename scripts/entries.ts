import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The root of the package, from where npm runs every script. */
export const root: string = process.cwd();

/** A public entry: what users import, and the module that it is made of. */
export interface Entry {
  /** `tfjs-llf/cropr` */
  specifier: string;
  /** `cropr/index`: the path below `src` and below `dist`, without extension. */
  module: string;
  /** Absolute path of the source. */
  source: string;
}

/** The public entries: one for each subpath that `exports` of package.json lists. */
export const entries: readonly Entry[] = Object.keys(
  (JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> }).exports,
)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => {
    const name = subpath === '.' ? 'index' : subpath.slice('./'.length);
    const module = existsSync(resolve(root, `src/${name}.ts`)) ? name : `${name}/index`;
    return { specifier: `tfjs-llf${subpath.slice(1)}`, module, source: resolve(root, `src/${module}.ts`) };
  });
