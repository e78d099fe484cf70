/** Tables with a number to predict. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { decode } from '../../test/cropr/golden.js';
import cells from '../../test/fixtures/label-flow/tabular_breast_cancer.json' with { type: 'json' };

/** Rows of features, the number of each, and the features that rules divide the rows by. */
export interface NumberTable {
  name: string;
  x: number[][];
  y: number[];
  rules: readonly number[];
}

/** Where Debian's package `python3-sklearn` puts its tables. */
const SKLEARN = '/usr/lib/python3/dist-packages/sklearn/datasets/data';

/** Whether the files of {@link diabetes} are there. */
export function hasDiabetes(folder: string = SKLEARN): boolean {
  return existsSync(join(folder, 'diabetes_data_raw.csv.gz'));
}

/**
 * Progress of diabetes after a year, from ten measurements of 442 patients (Efron et al. 2004). Rules look at the body mass
 * index, two of the blood serum (4 and 5) and the blood pressure.
 */
export async function diabetes(folder: string = SKLEARN): Promise<NumberTable> {
  const read = async (name: string): Promise<number[][]> => {
    const text = (await promisify(gunzip)(await readFile(join(folder, name)))).toString();
    return text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number));
  };
  const [x, targets] = [await read('diabetes_data_raw.csv.gz'), await read('diabetes_target.csv.gz')];
  return { name: 'diabetes', x, y: targets.map(([target]) => target as number), rules: [2, 8, 3, 7] };
}

/** Columns of breast cancer: ten measurements of cells, their means first and their worst values last. */
const [MEANS, WORST_RADIUS] = [10, 20];

/**
 * The largest cells of 569 samples: their radius, from the mean measurements without those of size. Rules look at
 * concavity, concave points, smoothness and texture.
 */
export function cellRadii(): NumberTable {
  const values = Array.from(decode(cells.X).values);
  const rows = Array.from({ length: values.length / cells.d }, (_, n) => values.slice(n * cells.d, (n + 1) * cells.d));
  return {
    name: 'cellRadius',
    x: rows.map((row) => row.slice(0, MEANS).filter((_, column) => ![0, 2, 3].includes(column))),
    y: rows.map((row) => row[WORST_RADIUS] as number),
    rules: [3, 4, 1, 0],
  };
}
