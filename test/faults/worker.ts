/** A process that performs tasks on a pair of nodes of its own, one after the other, as the crew hands them out. */
import { Bench } from './run-cells.ts';
import { perform, type Task } from './tasks.ts';

const bench = new Bench();

process.on('message', (task: Task) => {
  void perform(bench, task).then((result) => process.send?.(result));
});

process.once('disconnect', () => {
  // Connections that a client still tries to make would keep the process.
  void bench[Symbol.asyncDispose]().then(
    () => process.exit(),
    (error: unknown) => {
      process.stderr.write(`the nodes cannot be ended: ${(error as Error).message}\n`);
      process.exit(1);
    },
  );
});
