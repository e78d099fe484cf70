/** A child process: trains one variant on one split of a table and sends the accuracies on the rows for the test. */
import { argv } from 'node:process';
import breastCancer from '../../test/fixtures/label-flow/tabular_breast_cancer.json' with { type: 'json' };
import cardiotocography from '../../test/fixtures/label-flow/tabular_cardiotocography.json' with { type: 'json' };
import obsNetwork from '../../test/fixtures/label-flow/tabular_obs_network.json' with { type: 'json' };
import { splitOf, type Table } from '../../test/label-flow/tables.js';
import { useWasm } from './backend.js';
import { type Comparison, compare, flowOn } from './compare.js';
import { FLOWS, type Flow, type TABLES } from './settings.js';

const tables: Readonly<Record<(typeof TABLES)[number], Table>> = { breastCancer, obsNetwork, cardiotocography };

/** What a child is told; it answers with accuracies of the flow and, beside the default one, of its rivals. */
export interface Task {
  table: (typeof TABLES)[number];
  seed: number;
  flow: Flow;
}

async function run({ table, seed, flow: name }: Task): Promise<Comparison> {
  const problem = { ...splitOf(tables[table], seed), seed };
  if (name === 'flow') return compare(problem, FLOWS[name]);
  const { accuracy, ...training } = await flowOn(problem, FLOWS[name]);
  return { accuracies: { [name]: accuracy }, ...training };
}

await useWasm();
const result = await run(JSON.parse(argv.at(-1) ?? '') as Task);
process.send?.(result, () => process.exit());
