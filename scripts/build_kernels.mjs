/**
 * Compiles the AssemblyScript kernels twice, for SIMD and for relaxed SIMD, and writes them into one TypeScript module as
 * base64, so that no bundler has to find a .wasm file: the first deflated, the second as a patch, a tenth of the size.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import asc from 'assemblyscript/asc';
import { makePatch } from './patch.mjs';

const SOURCE = 'src/kernels/wasm/assembly/index.as.ts';
const TARGET = 'src/generated/wasm_kernels.ts';

/** The memory is the backend's, so a module must not bring data, globals or an allocator of its own. */
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--noExportMemory'].concat([
  '--maximumMemory',
  '65536',
  '--use',
  'abort=',
  '--outFile',
  'out.wasm',
  '--textFile',
  'out.wat',
]);

async function compile(features) {
  const files = {};
  const { error, stderr } = await asc.main([SOURCE, ...OPTIONS, ...features.flatMap((name) => ['--enable', name])], {
    writeFile: (name, contents) => {
      files[name] = contents;
    },
  });
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  if (/^ *\((data|global \$)/m.test(files['out.wat']))
    throw new Error(`build_kernels: kernels must hold no data and no globals, received some in ${SOURCE}.`);
  return Buffer.from(files['out.wasm']);
}

const base = await compile(['simd']);
const relaxed = makePatch(base, await compile(['simd', 'relaxed-simd']));
const base64 = (bytes) => Buffer.from(bytes).toString('base64');
// One object: a bundler would copy string constants to each place that uses them.
const module = `/** Made by scripts/build_kernels.mjs. */
export const binaries: { base: string; relaxedPatch: string } = {
  base:
    '${base64(deflateSync(base, { level: 9 }))}',
  relaxedPatch:
    '${base64(relaxed)}',
};
`;
await mkdir('src/generated', { recursive: true });
await writeFile(TARGET, module);
