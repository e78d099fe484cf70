/** How a run of the suite ended. */
export interface SuiteReport {
  readonly passed: number;
  readonly failed: readonly { readonly name: string; readonly message: string }[];
  readonly pending: number;
}
