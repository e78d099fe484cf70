import { getKernel, type KernelFunc, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';

/** What was installed in a backend, and how to take it back. */
export interface Acceleration {
  /** Names of the kernels that are installed; empty if none could be. */
  readonly kernels: readonly string[];
  /** Why nothing was installed, in one sentence; empty if all is well. */
  readonly warning: string;
  /** Takes the kernels out again. A second call does nothing. */
  dispose(): void;
}

/** What is installed now, for each backend. */
const installed = new Map<string, Acceleration>();

/** Registers the kernels, which tfjs itself has none of, for a backend; a second call returns the first handle. */
export function install(backendName: string, kernels: Readonly<Record<string, KernelFunc>>): Acceleration {
  const known = installed.get(backendName);
  if (known) return known;
  const names = Object.keys(kernels);
  for (const [kernelName, kernelFunc] of Object.entries(kernels))
    registerKernel({ kernelName, backendName, kernelFunc });
  const handle: Acceleration = {
    kernels: names,
    warning: '',
    dispose: () => {
      if (installed.get(backendName) !== handle) return;
      installed.delete(backendName);
      // Somebody else's in the place of ours stay.
      for (const name of names) {
        if (getKernel(name, backendName)?.kernelFunc === kernels[name]) unregisterKernel(name, backendName);
      }
    },
  };
  installed.set(backendName, handle);
  return handle;
}
