/** What a page and its worker say to each other. */
import type { PageName } from '../pages.js';

export type BackendName = 'wasm' | 'webgl';

/** What a worker can be asked for, by name. */
export type Jobs = Readonly<Record<string, { order: unknown; progress: unknown; result: unknown }>>;

/** To the worker. */
export type Request =
  | { kind: 'start'; page: PageName; job: string; backend: BackendName; order: unknown }
  | { kind: 'stop' }
  | { kind: 'wish'; wish: unknown };

/** From the worker. */
export type Answer =
  | { kind: 'ready'; machine: string }
  | { kind: 'progress'; progress: unknown }
  | { kind: 'done'; result: unknown; tensors: Tensors }
  | { kind: 'failed'; message: string };

/** Tensors in the worker before a job, and after it. */
export interface Tensors {
  before: number;
  after: number;
}

/** What a running job is given. */
export interface Run<Progress> {
  report(progress: Progress): void;
  /** Whether the user has asked to stop; learned while it takes a breath. */
  readonly isStopped: boolean;
  /** What the page has asked for last while the job runs, learned in the same way; undefined at first. */
  readonly wish: unknown;
  /** Lets messages in; costs nothing if the last breath is not long ago. */
  breathe(): Promise<void>;
}

/** The jobs of a page, as the worker does them. */
export type Work<J extends Jobs> = {
  readonly [Name in keyof J]: (order: J[Name]['order'], run: Run<J[Name]['progress']>) => Promise<J[Name]['result']>;
};
