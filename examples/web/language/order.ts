/** How orderly a language is: what each symbol of a message tells about the colour and about the shape. */

/** Mean information in bits of a list of kinds. */
function entropy(kinds: readonly (string | number)[]): number {
  const counts = new Map<string | number, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / kinds.length) * Math.log2(count / kinds.length), 0);
}

/** Share of what there is to know about `property` that `symbol` tells, 0 to 1. */
function told(symbol: readonly number[], property: readonly number[]): number {
  const both = symbol.map((one, n) => `${one}/${property[n]}`);
  const whole = entropy(property);
  return whole === 0 ? 0 : (entropy(symbol) + whole - entropy(both)) / whole;
}

/** For each place of a message what its symbol tells about the colour and about the shape. */
export interface Told {
  colour: number;
  shape: number;
}

/** `language` holds a message for each object, colour by colour, `shapes` objects of each. */
export function tellsOf(language: readonly (readonly number[])[], shapes: number): Told[] {
  const numbers = [...language.keys()];
  const colours = numbers.map((n) => Math.floor(n / shapes));
  const forms = numbers.map((n) => n % shapes);
  return Array.from({ length: language[0]?.length ?? 0 }, (_, place) => {
    const symbols = language.map((message) => message[place] as number);
    return { colour: told(symbols, colours), shape: told(symbols, forms) };
  });
}

export const distinctMessages = (language: readonly (readonly number[])[]): number =>
  new Set(language.map((message) => message.join())).size;

/** A symbol names a property if it tells nearly all of it and little of the other. */
function nameOf({ colour, shape }: Told): 'colour' | 'shape' | undefined {
  if (colour > 0.8 && shape < 0.3) return 'colour';
  return shape > 0.8 && colour < 0.3 ? 'shape' : undefined;
}

/** Whether the language is compositional, in a sentence. */
export function verdictOn(language: readonly (readonly number[])[], shapes: number): string {
  const names = tellsOf(language, shapes).map(nameOf);
  const count = distinctMessages(language);
  const different = `${count} of ${language.length} objects have a message of their own.`;
  if (names.includes('colour') && names.includes('shape'))
    return `Compositional: one symbol names the colour, the other the shape. ${different}`;
  const [place] = names.flatMap((name, i) => (name ? [`symbol ${i + 1} names the ${name}`] : []));
  return place
    ? `Half way: ${place}, the other is mixed. ${different}`
    : `Not compositional: symbols are mixed. ${different}`;
}
