import { styleText } from 'node:util';
import { MultiBar, Presets } from 'cli-progress';
import type { SingleBar } from 'cli-progress';
import type { DevicePosition, VoyageLog } from './voyage-log.ts';

/** Shows a voyage while it lasts. Lines that are said stay; on a terminal, bars stand below them. */
export interface Progress extends Disposable {
  say(line: string): void;
}

const MIB = 2 ** 20;
const FRAME_MS = 100;
const LINE_MS = 500;
/** What a bar leaves to the right of a line that takes its place (ECMA-48 EL). */
const CLEAR_TO_END_OF_LINE = '\u001B[K';

const mib = (bytes: number): number => Math.round(bytes / MIB);

export function showProgress(log: VoyageLog, out: NodeJS.WriteStream): Progress {
  return out.isTTY ? new Bars(log, out) : new Lines(log, out);
}

/** One bar a device. */
class Bars implements Progress {
  readonly #log: VoyageLog;
  readonly #bars: MultiBar;
  readonly #rows: readonly SingleBar[];
  readonly #timer: NodeJS.Timeout;

  constructor(log: VoyageLog, out: NodeJS.WriteStream) {
    this.#log = log;
    const format = `  {pair}  ${styleText('cyan', '{bar}')} {percentage}%  {value}/{total} MiB  {states}`;
    const look = { format, barsize: 16, autopadding: true, hideCursor: true, emptyOnZero: true };
    // Signals are the caller's.
    this.#bars = new MultiBar(
      { ...look, stream: out, gracefulExit: false, forceRedraw: true },
      Presets.shades_classic,
    );
    this.#rows = log.positions().map((position) => this.#bars.create(0, 0, payloadOf(position)));
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
  }

  say(line: string): void {
    this.#bars.log(`${line}${CLEAR_TO_END_OF_LINE}\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#draw();
    this.#bars.update();
    this.#bars.stop();
  }

  #draw(): void {
    for (const [index, position] of this.#log.positions().entries()) {
      const bar = this.#rows[index];
      bar?.setTotal(mib(position.totalBytes));
      bar?.update(mib(position.bytes), payloadOf(position));
    }
  }
}

const payloadOf = ({ source, target, sourceState, targetState }: DevicePosition): object => ({
  pair: `${source} → ${target}`,
  states: `${sourceState} → ${targetState}`,
});

/** What has changed, a line at a time, for a file or a pipe. */
class Lines implements Progress {
  readonly #log: VoyageLog;
  readonly #out: NodeJS.WriteStream;
  readonly #timer: NodeJS.Timeout;
  #last = '';

  constructor(log: VoyageLog, out: NodeJS.WriteStream) {
    this.#log = log;
    this.#out = out;
    this.#last = this.#line();
    this.#timer = setInterval(() => this.#show(), LINE_MS);
  }

  say(line: string): void {
    this.#out.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#show();
  }

  #show(): void {
    const line = this.#line();
    if (line !== this.#last) this.say(line);
    this.#last = line;
  }

  #line(): string {
    const cells = this.#log
      .positions()
      .map(({ source, bytes, totalBytes }) => `${source} ${mib(bytes)}/${mib(totalBytes)} MiB`);
    return `  ${cells.join('  ')}`;
  }
}
