import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import ts from 'typescript';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { entries, root } from '../../scripts/entries.js';
import { examples } from '../../scripts/examples.js';

const folder = `${root}/test/generated`;
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });

const all = await Promise.all(
  examples().map(async ({ where, code, noRun }) => {
    const file = join(folder, `${where.replaceAll(/\W+/g, '_')}.ts`);
    // The mark at the end makes a module of a block without imports.
    await writeFile(file, `${code}\nexport {};\n`);
    return { where, file, code, noRun };
  }),
);

afterAll(() => rm(folder, { recursive: true }));

describe('an example runs', () => {
  let directory = '';

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tfjs-llf-example-'));
    process.chdir(directory);
    vi.stubEnv('TMPDIR', directory);
    for (const method of ['log', 'warn', 'error', 'table'] as const) {
      vi.spyOn(console, method).mockImplementation(() => undefined);
    }
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await tf.setBackend('cpu');
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    process.chdir(root);
    await rm(directory, { recursive: true });
  });

  for (const { where, file } of all.filter(({ noRun }) => noRun === undefined)) {
    it(where, async () => {
      await import(file);
    });
  }
});

/** Shown through another name. */
const shownAs: Record<string, string> = {
  PatchEmbedding: 'patchEmbedding',
  TransformerBlock: 'transformerBlock',
  // The base of the routers, for `instanceof`.
  TokenPruner: 'CroprPruner',
};

it('everything public has an example', async () => {
  const code = all.map((example) => example.code).join('\n');
  for (const { specifier, source } of entries) {
    for (const name of Object.keys((await import(source)) as object)) {
      expect(code, `${name} of ${specifier}`).toMatch(new RegExp(`\\b${shownAs[name] ?? name}\\b`));
    }
  }
});

it('every example fits the types', () => {
  const { config } = ts.readConfigFile(`${root}/tsconfig.test.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    all.map(({ file }) => file),
    // As a user with `strict` sees them.
    {
      ...options,
      noUnusedLocals: false,
      noUnusedParameters: false,
      noPropertyAccessFromIndexSignature: false,
      noUncheckedIndexedAccess: false,
    },
  );
  const found = all.flatMap(({ where, file }) => {
    const source = program.getSourceFile(file);
    return ts.getPreEmitDiagnostics(program, source).map(({ messageText, start = 0 }) => {
      const line = (source?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
      return `${where}, line ${line} of it: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  });
  expect(found).toEqual([]);
});
