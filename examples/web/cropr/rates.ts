/** How a share of patches is spread over routers. */
import { GRID, ROUTERS } from './net.js';

const PATCHES: number = GRID * GRID;
/** What can be chosen: at the highest rate ten patches are left. */
export const MOST = 0.9;

/** Patches that each router removes so that a share of all is gone in the end; each keeps about the same part of what it gets. */
export function ratesFor(share: number): number[] {
  const part = (1 - share) ** (1 / ROUTERS);
  let left = PATCHES;
  return Array.from({ length: ROUTERS }, (_, i) => {
    const next = Math.round(PATCHES * part ** (i + 1));
    const removed = left - next;
    left = next;
    return removed;
  });
}
