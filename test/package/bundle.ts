import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { root } from '../../scripts/entries.js';

const run = promisify(execFile);

export interface Bundle {
  /** Minified, with tfjs left outside. */
  code: string;
  /** Modules of the package that code is left of, as paths below `dist`. */
  modules: string[];
}

/** What a user's bundler makes of a program. `tfjs-llf` is the built package, as its `exports` say. */
export async function bundle(program: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    external: ['@tensorflow/*', 'cli-progress'],
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return {
    code: outputFiles.map(({ text }) => text).join(''),
    modules: inputs
      .filter(([path, { bytesInOutput }]) => path.startsWith('dist/') && bytesInOutput > 0)
      .map(([path]) => path.slice('dist/'.length))
      .sort(),
  };
}

/** Runs a program in a Node of its own and returns what it prints. The program lies within the package, to find tfjs. */
export async function runInNode(code: string, extension: 'mjs' | 'cjs' = 'mjs'): Promise<string> {
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache/program-'));
  try {
    const file = join(folder, `program.${extension}`);
    await writeFile(file, code);
    const { stdout } = await run(process.execPath, [file]);
    return stdout.trim();
  } finally {
    await rm(folder, { recursive: true });
  }
}
