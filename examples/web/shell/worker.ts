/** The worker of all pages: starts a backend and does what a page asks for, so that the page itself never waits. */
import * as tf from '@tensorflow/tfjs';
import { WebglContextLost } from 'tfjs-llf/kernels';
import type { PageName } from '../pages.js';
import { startBackend } from './backend.js';
import type { Answer, Request, Run } from './messages.js';

/** A job, whatever it is about. */
type AnyJob = (order: unknown, run: Run<unknown>) => Promise<unknown>;

const works: Readonly<Record<PageName, () => Promise<{ work: object; held?: () => number }>>> = {
  cropr: () => import('../cropr/work.js'),
  forgetting: () => import('../forgetting/work.js'),
  labels: () => import('../labels/work.js'),
  language: () => import('../language/work.js'),
  xray: () => import('../xray/work.js'),
};

/** The types of the DOM know the global scope of windows only. */
const port = globalThis as unknown as {
  postMessage(answer: Answer): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
};

/** Milliseconds that a job may take before it looks for messages. */
const BREATH = 30;

let isStopped = false;
let wish: unknown;

function newRun(): Run<unknown> {
  let last = performance.now();
  return {
    report: (progress) => port.postMessage({ kind: 'progress', progress }),
    get isStopped() {
      return isStopped;
    },
    get wish() {
      return wish;
    },
    breathe: async () => {
      if (performance.now() - last < BREATH) return;
      await new Promise((resume) => setTimeout(resume));
      last = performance.now();
    },
  };
}

/** The page then ends this worker, and the next job finds a new one. */
function fail(failure: unknown): void {
  const isLost = failure instanceof WebglContextLost;
  const reason = failure instanceof Error ? failure.message : String(failure);
  const message = isLost ? 'This page has lost WebGL. Start again, or choose WASM.' : reason;
  port.postMessage({ kind: 'failed', message });
}

async function start({ page, job, backend, order }: Extract<Request, { kind: 'start' }>): Promise<void> {
  [isStopped, wish] = [false, undefined];
  try {
    port.postMessage({ kind: 'ready', machine: await startBackend(backend, fail) });
    // A page may keep tensors on purpose, and says how many.
    const { work, held = () => 0 } = await works[page]();
    const before = tf.memory().numTensors - held();
    const result = await (work as Readonly<Record<string, AnyJob>>)[job]?.(order, newRun());
    port.postMessage({ kind: 'done', result, tensors: { before, after: tf.memory().numTensors - held() } });
  } catch (failure) {
    fail(failure);
  }
}

port.onmessage = ({ data }) => {
  if (data.kind === 'stop') isStopped = true;
  else if (data.kind === 'wish') wish = data.wish;
  else void start(data);
};
