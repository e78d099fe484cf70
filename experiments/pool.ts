/** Runs tasks in child processes, a few at a time: tfjs on WASM uses one core of a Node process. */
import { fork } from 'node:child_process';

/**
 * Runs `script` once per task and returns what each sent back with `process.send`, in the order of the tasks. The task is
 * the child's last argument, as JSON. At most `processes` run at once; the first failure stops the rest.
 */
export async function runPool<Task, Result>(
  script: string,
  tasks: readonly Task[],
  processes: number,
  done: (task: Task, result: Result) => void = () => {},
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < tasks.length) {
      const place = next++;
      const task = tasks[place] as Task;
      try {
        results[place] = await runChild<Task, Result>(script, task);
      } catch (failure) {
        next = tasks.length;
        throw failure;
      }
      done(task, results[place] as Result);
    }
  };
  await Promise.all(Array.from({ length: processes }, worker));
  return results;
}

function runChild<Task, Result>(script: string, task: Task): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(script, [JSON.stringify(task)]);
    let result: { value: Result } | undefined;
    child.on('message', (value) => {
      result = { value: value as Result };
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0 && result) resolve(result.value);
      else
        reject(
          new Error(`runPool: ${script} must end with a result, exited with ${code} for ${JSON.stringify(task)}.`),
        );
    });
  });
}
