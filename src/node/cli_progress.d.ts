/** The part of cli-progress (MIT, ships no types) that the progress bar uses. */
declare module 'cli-progress' {
  interface Options {
    stream: NodeJS.WritableStream;
    format: string;
    hideCursor: boolean;
    linewrap: boolean;
    gracefulExit: boolean;
    clearOnComplete: boolean;
    barCompleteChar: string;
    barIncompleteChar: string;
  }
  class SingleBar {
    constructor(options: Partial<Options>);
    start(total: number, value: number, payload: Record<string, string>): void;
    update(value: number, payload: Record<string, string>): void;
    stop(): void;
  }
  const cliProgress: { SingleBar: typeof SingleBar };
  export default cliProgress;
}
