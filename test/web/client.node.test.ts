/** The page's side of the worker, with a worker that the test plays. */
import { beforeEach, expect, it, vi } from 'vitest';
import { Client } from '../../examples/web/shell/client.js';
import type { Answer, Request } from '../../examples/web/shell/messages.js';

type TestJobs = { double: { order: number; progress: number; result: number } };

/** Keeps what it is sent, and answers as the test says. */
class FakeWorker {
  static all: FakeWorker[] = [];
  readonly received: Request[] = [];
  isClosed = false;
  onmessage: ((event: { data: Answer }) => void) | null = null;

  constructor() {
    FakeWorker.all.push(this);
  }
  postMessage(request: Request): void {
    this.received.push(request);
  }
  terminate(): void {
    this.isClosed = true;
  }
  answer(data: Answer): void {
    this.onmessage?.({ data });
  }
}

const kinds = (): string[] => FakeWorker.all.flatMap(({ received }) => received.map(({ kind }) => kind));
const done = (result: number): Answer => ({ kind: 'done', result, tensors: { before: 0, after: 0 } });
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  FakeWorker.all = [];
  vi.stubGlobal('Worker', FakeWorker);
  return () => vi.unstubAllGlobals();
});

it('does one job after another in one worker', async () => {
  const client = new Client<TestJobs>('labels');
  const [first, second] = [client.run('double', 'wasm', 1), client.run('double', 'wasm', 2)];
  await settled();
  expect(kinds()).toEqual(['start']);
  FakeWorker.all[0]?.answer(done(2));
  await expect(first).resolves.toMatchObject({ result: 2 });
  await settled();
  expect(kinds()).toEqual(['start', 'start']);
  FakeWorker.all[0]?.answer(done(4));
  await expect(second).resolves.toMatchObject({ result: 4 });
  expect(FakeWorker.all).toHaveLength(1);
});

it('stops a job that waits as soon as it starts, and none that comes later', async () => {
  const client = new Client<TestJobs>('labels');
  const [first, second] = [client.run('double', 'wasm', 1), client.run('double', 'wasm', 2)];
  await settled();
  client.stop();
  FakeWorker.all[0]?.answer(done(2));
  await first;
  await settled();
  expect(kinds()).toEqual(['start', 'stop', 'start', 'stop']);
  FakeWorker.all[0]?.answer(done(4));
  await second;
  client.stop();
  void client.run('double', 'wasm', 3);
  await settled();
  expect(kinds()).toEqual(['start', 'stop', 'start', 'stop', 'start']);
});

it('gives up a worker that fails, says why, and takes another for what comes next', async () => {
  const client = new Client<TestJobs>('labels');
  const [first, second] = [client.run('double', 'wasm', 1), client.run('double', 'wasm', 2)];
  await settled();
  FakeWorker.all[0]?.answer({ kind: 'failed', message: 'no memory' });
  await expect(first).rejects.toThrow('no memory');
  await settled();
  expect(FakeWorker.all.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  FakeWorker.all[1]?.answer(done(4));
  await expect(second).resolves.toMatchObject({ result: 4 });
});

it('passes progress on', async () => {
  const client = new Client<TestJobs>('labels');
  const seen: (number | string)[] = [];
  const run = client.run('double', 'wasm', 1, { ready: (text) => seen.push(text), progress: (now) => seen.push(now) });
  await settled();
  FakeWorker.all[0]?.answer({ kind: 'ready', machine: 'WASM' });
  FakeWorker.all[0]?.answer({ kind: 'progress', progress: 7 });
  FakeWorker.all[0]?.answer(done(2));
  await run;
  expect(seen).toEqual(['WASM', 7]);
});

it('tells the job that runs what is wished, and nobody if none does', async () => {
  const client = new Client<TestJobs>('labels');
  client.wish('early');
  const run = client.run('double', 'wasm', 1);
  await settled();
  client.wish('now');
  FakeWorker.all[0]?.answer(done(2));
  await run;
  client.wish('late');
  expect(kinds()).toEqual(['start', 'wish']);
  expect(FakeWorker.all[0]?.received[1]).toEqual({ kind: 'wish', wish: 'now' });
});
