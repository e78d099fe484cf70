/** The page's side of the worker. */
import type { PageName } from '../pages.js';
import type { Answer, BackendName, Jobs, Request, Tensors } from './messages.js';

/** What a job came to. */
export interface Outcome<Result> {
  result: Result;
  tensors: Tensors;
}

/** Who is told of a job while it runs. */
export interface Listener<Progress> {
  ready?: (machine: string) => void;
  progress?: (progress: Progress) => void;
}

/** A worker that does the jobs of a page, one after another. */
export class Client<J extends Jobs> {
  private worker: Worker | undefined;
  private isBusy = false;
  private last: Promise<unknown> = Promise.resolve();
  /** Of the jobs that run or wait: whether they are to end. */
  private readonly marks = new Set<{ isStopped: boolean }>();

  constructor(private readonly page: PageName) {}

  /** Does a job when those before it are done. Fails with the worker's message. */
  run<Name extends keyof J & string>(
    job: Name,
    backend: BackendName,
    order: J[Name]['order'],
    listener: Listener<J[Name]['progress']> = {},
  ): Promise<Outcome<J[Name]['result']>> {
    const mark = { isStopped: false };
    this.marks.add(mark);
    const next = this.last
      .then(() => {
        const outcome = this.start(job, backend, order, listener);
        // It was asked to stop while it waited.
        if (mark.isStopped) this.send({ kind: 'stop' });
        return outcome;
      })
      .finally(() => this.marks.delete(mark));
    this.last = next.catch(() => undefined);
    return next;
  }

  private start<Name extends keyof J & string>(
    job: Name,
    backend: BackendName,
    order: J[Name]['order'],
    listener: Listener<J[Name]['progress']>,
  ): Promise<Outcome<J[Name]['result']>> {
    this.isBusy = true;
    const worker = this.open();
    return new Promise<Outcome<J[Name]['result']>>((resolve, reject) => {
      const fail = (message: string): void => {
        // What has failed may have left its tensors behind.
        this.close();
        reject(new Error(message));
      };
      worker.onerror = (event) => fail(event.message || 'The worker could not be loaded.');
      worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        if (data.kind === 'ready') listener.ready?.(data.machine);
        else if (data.kind === 'progress') listener.progress?.(data.progress as J[Name]['progress']);
        else if (data.kind === 'failed') fail(data.message);
        else resolve({ result: data.result as J[Name]['result'], tensors: data.tensors });
      };
      this.send({ kind: 'start', page: this.page, job, backend, order });
    }).finally(() => {
      this.isBusy = false;
    });
  }

  /** Asks all jobs to end at their next step, those that wait at their first. */
  stop(): void {
    for (const mark of this.marks) mark.isStopped = true;
    if (this.isBusy) this.send({ kind: 'stop' });
  }

  /** Tells the job that runs what is wanted of it now. */
  wish(wish: unknown): void {
    if (this.isBusy) this.send({ kind: 'wish', wish });
  }

  private send(request: Request): void {
    this.worker?.postMessage(request);
  }

  private open(): Worker {
    this.worker ??= new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: this.page });
    return this.worker;
  }

  private close(): void {
    this.worker?.terminate();
    this.worker = undefined;
  }
}
