import { activate } from './activate.as';
import { packBlock } from './gemm_pack.as';
import { COLUMNS, ROWS, tile } from './gemm_tile.as';
import { gemv } from './gemv.as';
import { at } from './vector.as';

/** Sums run over at most this many products before they are added up: better for float32, and a panel stays in L1. */
@inline
const K_BLOCK: i32 = 256;
@inline
const M_BLOCK: i32 = 96;
@inline
const N_BLOCK: i32 = 512;
/** With so few rows, b is read in place: packing would cost more than it saves. */
@inline
const FEW_ROWS: i32 = 12;

@inline
function roundUp(size: i32, step: i32): i32 {
  return ((size + step - 1) / step) * step;
}

/** The size of the blocks that k is split into, all about the same. */
@inline
function kBlock(k: i32): i32 {
  const blocks = (k + K_BLOCK - 1) / K_BLOCK;
  return (k + blocks - 1) / blocks;
}

/** Floats of the packed block of a, a multiple of a cache line. */
@inline
function packedA(m: i32, kc: i32): i32 {
  return roundUp(roundUp(min(m, M_BLOCK), ROWS) * kc, 16);
}

/** Address at an index, or still nothing. */
@inline
function within(pointer: usize, index: i32): usize {
  return pointer == 0 ? pointer : at(pointer, index);
}

/** Bytes of scratch that {@link gemm} needs for a product of this size. */
export function gemmScratch(m: i32, n: i32, k: i32): i32 {
  if (m <= 0 || n <= 0 || k <= 0) return 16;
  const kc = kBlock(k);
  const floats = packedA(m, kc) + ROWS * COLUMNS + roundUp(min(n, N_BLOCK), COLUMNS) * kc;
  return (max(floats, k) << 2) + 64;
}

/** c[m, n] (+)= a[m, k] · b[k, n]; strides count floats, so that any of them may be transposed. */
export function gemm(
  a: usize,
  aRow: i32,
  aCol: i32,
  b: usize,
  bRow: i32,
  bCol: i32,
  c: usize,
  cRow: i32,
  m: i32,
  n: i32,
  k: i32,
  accumulate: i32,
  scratch: usize,
): void {
  const start = accumulate ? c : 0;
  gemmFused(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, start, cRow, 0, 0, 0, scratch);
}

/** `count` products as of {@link gemmFused}, their matrices some floats apart; a step of 0 uses one matrix for all. */
export function gemmBatch(
  count: i32,
  aStep: i32,
  bStep: i32,
  cStep: i32,
  startStep: i32,
  a: usize,
  aRow: i32,
  aCol: i32,
  b: usize,
  bRow: i32,
  bCol: i32,
  c: usize,
  cRow: i32,
  m: i32,
  n: i32,
  k: i32,
  start: usize,
  startRow: i32,
  activation: i32,
  alpha: f32,
  slopes: usize,
  scratch: usize,
): void {
  if (m == 1 && n == 1 && k == 1 && start == 0 && activation == 0) {
    for (let i = 0; i < count; i++) {
      store<f32>(c, load<f32>(a) * load<f32>(b));
      a = at(a, aStep);
      b = at(b, bStep);
      c = at(c, cStep);
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    gemmFused(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, start, startRow, activation, alpha, slopes, scratch);
    a = at(a, aStep);
    b = at(b, bStep);
    c = at(c, cStep);
    start = within(start, startStep);
  }
}

/**
 * c = activation(start + a · b), where `start` is 0 for nothing, else an address of rows `startRow` floats apart (0: one
 * bias for all rows). For the activation see {@link activate}.
 */
export function gemmFused(
  a: usize,
  aRow: i32,
  aCol: i32,
  b: usize,
  bRow: i32,
  bCol: i32,
  c: usize,
  cRow: i32,
  m: i32,
  n: i32,
  k: i32,
  start: usize,
  startRow: i32,
  activation: i32,
  alpha: f32,
  slopes: usize,
  scratch: usize,
): void {
  scratch = (scratch + 63) & ~63;
  if (n == 1) {
    gemv(a, aRow, aCol, b, bRow, c, cRow, m, k, start, startRow, scratch);
    activate(c, cRow, m, n, activation, alpha, slopes);
  } else if (m == 1) {
    gemv(b, bCol, bRow, a, aCol, c, 1, n, k, start, 1, scratch);
    activate(c, cRow, m, n, activation, alpha, slopes);
  } else if (k == 0) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        store<f32>(at(c, i * cRow + j), start == 0 ? 0 : load<f32>(at(start, i * startRow + j)));
      }
    }
    activate(c, cRow, m, n, activation, alpha, slopes);
  } else {
    blocked(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, start, startRow, activation, alpha, slopes, scratch);
  }
}

function blocked(
  a: usize,
  aRow: i32,
  aCol: i32,
  b: usize,
  bRow: i32,
  bCol: i32,
  c: usize,
  cRow: i32,
  m: i32,
  n: i32,
  k: i32,
  start: usize,
  startRow: i32,
  activation: i32,
  alpha: f32,
  slopes: usize,
  scratch: usize,
): void {
  const kc = kBlock(k);
  const edge = at(scratch, packedA(m, kc));
  const panels = at(edge, ROWS * COLUMNS);
  const inPlace = bCol == 1 && m <= FEW_ROWS;
  for (let j = 0; j < n; j += N_BLOCK) {
    const nc = min(N_BLOCK, n - j);
    const whole = inPlace ? nc & ~(COLUMNS - 1) : 0;
    for (let p = 0; p < k; p += kc) {
      const kb = min(kc, k - p);
      const bBlock = at(b, p * bRow + j * bCol);
      packBlock(at(bBlock, whole * bCol), bCol, bRow, nc - whole, kb, at(panels, whole * kb), COLUMNS);
      for (let i = 0; i < m; i += M_BLOCK) {
        const mc = min(M_BLOCK, m - i);
        packBlock(at(a, i * aRow + p * aCol), aRow, aCol, mc, kb, scratch, ROWS);
        const target = at(c, i * cRow + j);
        const from = p > 0 ? target : within(start, i * startRow + j);
        const fromRow = p > 0 ? cRow : startRow;
        if (whole) tiles(scratch, bBlock, COLUMNS, <usize>bRow << 2, target, cRow, mc, whole, kb, from, fromRow, edge);
        if (whole < nc) {
          const rest = within(from, whole);
          const last = at(panels, whole * kb);
          tiles(scratch, last, COLUMNS * kb, 32, at(target, whole), cRow, mc, nc - whole, kb, rest, fromRow, edge);
        }
        if (p + kc >= k) activate(target, cRow, mc, nc, activation, alpha, within(slopes, j));
      }
    }
  }
}

/** The tiles of a block: one panel of b, `bPanel` floats from the next, stays in L1 while the panels of a pass by. */
function tiles(
  a: usize,
  b: usize,
  bPanel: i32,
  bStep: usize,
  c: usize,
  cRow: i32,
  m: i32,
  n: i32,
  k: i32,
  start: usize,
  startRow: i32,
  edge: usize,
): void {
  const panel = <usize>(ROWS * k) << 2;
  const cStep = <usize>cRow << 2;
  const startStep = start == 0 ? start : <usize>startRow << 2;
  for (let j = 0; j < n; j += COLUMNS) {
    let aPanel = a;
    for (let i = 0; i < m; i += ROWS) {
      const target = at(c, i * cRow + j);
      const from = within(start, i * startRow + j);
      if (i + ROWS <= m && j + COLUMNS <= n) {
        tile(aPanel, aPanel + panel, b, bStep, target, cStep, from, startStep);
      } else {
        tile(aPanel, aPanel + panel, b, bStep, edge, COLUMNS << 2, 0, 0);
        copyEdge(edge, target, cRow, min(ROWS, m - i), min(COLUMNS, n - j), from, startRow);
      }
      aPanel += panel;
    }
    b = at(b, bPanel);
  }
}

/** The part of a tile that lies inside of the matrix. */
function copyEdge(edge: usize, c: usize, cRow: i32, m: i32, n: i32, start: usize, startRow: i32): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let value = load<f32>(at(edge, i * COLUMNS + j));
      if (start != 0) value += load<f32>(at(start, i * startRow + j));
      store<f32>(at(c, i * cRow + j), value);
    }
  }
}
