/** Weights of the features and, last, the constant of the line nearest to the numbers; `ridge` keeps it solvable. */
export function leastSquares(x: readonly (readonly number[])[], y: readonly number[], ridge = 1e-6): number[] {
  const rows = x.map((row) => [...row, 1]);
  const width = rows[0]?.length as number;
  const dot = (a: number, b: (n: number) => number): number =>
    rows.reduce((sum, row, n) => sum + (row[a] as number) * b(n), 0);
  // The normal equations, with what they are equal to as the last column.
  const system = Array.from({ length: width }, (_, a) => [
    ...Array.from({ length: width }, (_, b) => dot(a, (n) => rows[n]?.[b] as number) + (a === b ? ridge : 0)),
    dot(a, (n) => y[n] as number),
  ]);
  for (let a = 0; a < width; a++) {
    const pivot = system[a] as number[];
    const scale = pivot[a] as number;
    for (let b = 0; b <= width; b++) pivot[b] = (pivot[b] as number) / scale;
    for (const [other, row] of system.entries()) {
      const factor = row[a] as number;
      if (other !== a) for (let b = 0; b <= width; b++) row[b] = (row[b] as number) - factor * (pivot[b] as number);
    }
  }
  return system.map((row) => row[width] as number);
}

/** What the line says of each row. */
export function onLine(x: readonly (readonly number[])[], weights: readonly number[]): number[] {
  return x.map((row) => [...row, 1].reduce((sum, value, i) => sum + value * (weights[i] as number), 0));
}
