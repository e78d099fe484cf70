/** The part of jasmine-core that the suite uses; it ships no types. */
declare module 'jasmine-core' {
  interface SpecResult {
    readonly status: string;
    readonly fullName: string;
    readonly failedExpectations: readonly { readonly message: string }[];
  }
  interface Env {
    configure(options: { random: boolean; forbidDuplicateNames: boolean }): void;
    addReporter(reporter: { specDone(result: SpecResult): void }): void;
    execute(): Promise<unknown>;
  }
  const jasmineCore: { boot(): { getEnv(): Env } };
  export default jasmineCore;
}
