/**
 * What stands at a place of a list that need not be whole: in a line between its neighbours, beyond the ends on the outer
 * lines. With `flatness` it leaves the left neighbour that many times more slowly.
 */
export function between(values: ArrayLike<number>, place: number, flatness = 1): number {
  const left = Math.min(Math.max(Math.floor(place), 0), values.length - 2);
  const share = (place - left) / flatness;
  return (values[left] as number) * (1 - share) + (values[left + 1] as number) * share;
}
