import ts from 'typescript';
import { expect, it } from 'vitest';
import { entries, root } from '../scripts/entries.js';

/** What each entry exports: names that exist at run time, and names that only types have. */
async function surface(): Promise<Record<string, { values: string[]; types: string[] }>> {
  const { config } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    entries.map(({ source }) => source),
    options,
  );
  const checker = program.getTypeChecker();
  const found: Record<string, { values: string[]; types: string[] }> = {};
  for (const { specifier, source } of entries) {
    const values = Object.keys((await import(source)) as object).sort();
    const file = program.getSourceFile(source);
    const symbol = file && checker.getSymbolAtLocation(file);
    const names = symbol ? checker.getExportsOfModule(symbol).map(({ name }) => name) : [];
    found[specifier] = { values, types: names.filter((name) => !values.includes(name)).sort() };
  }
  return found;
}

it('exports what test/surface.json lists', async () => {
  // After a deliberate change, with a line in CHANGELOG.md: npx vitest run --project node test/surface -u
  await expect(`${JSON.stringify(await surface(), null, 2)}\n`).toMatchFileSnapshot('surface.json');
});
