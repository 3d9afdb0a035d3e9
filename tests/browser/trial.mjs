// `holdpoint try`, started and stopped as a person at a terminal would.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How long a line may take to be printed. */
const START_MS = 30_000;
/** How long the program may take to end after Ctrl-C: what is on its way is finished, what waits is left to the next start. */
const STOP_MS = 2_000;

/** A running trial. */
export class Trial {
  #child;
  #ended;

  constructor(child) {
    this.#child = child;
    /** What was written on standard output and standard error so far. */
    this.output = '';
    this.errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => { this.output += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { this.errors += text; });
    this.#ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  /** Starts the binary named by HOLDPOINT_BINARY. It need not come up: see `address`. */
  static start(...argumentsOfTry) {
    const environment = { ...process.env, NO_COLOR: '1' };
    if (process.env.HOLDPOINT_RECORDING) environment.DISCORD_STAND_IN_RECORDING = process.env.HOLDPOINT_RECORDING;
    const child = spawn(process.env.HOLDPOINT_BINARY, ['try', '--no-open', ...argumentsOfTry], {
      env: environment, stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Trial(child);
  }

  /** The address of its page, once it is printed. */
  async address() {
    return (await this.says(/http:\/\/127\.0\.0\.1:\d+\S*/))[0];
  }

  /** What standard output has that matches, once it has. */
  async says(expression) {
    const printed = async () => {
      for (;;) {
        const found = expression.exec(this.output);
        if (found) return found;
        await once(this.#child.stdout, 'data');
      }
    };
    const ended = this.#ended.then(({ code }) => {
      throw new Error(`holdpoint try ended with code ${code} before it said ${expression}:\n${this.output}${this.errors}`);
    });
    return within(START_MS, String(expression), Promise.race([printed(), ended]));
  }

  /** Its exit code, once it has ended by itself. */
  async ended() {
    return (await within(START_MS, 'the end', this.#ended)).code;
  }

  /** Presses Ctrl-C and returns the exit code. It must end when its drain does. */
  async interrupt() {
    this.#child.kill('SIGINT');
    const { code } = await within(STOP_MS, 'the end after Ctrl-C', this.#ended);
    return code;
  }

  /** Ends it whatever it does. For a trial that has not been interrupted. */
  async dispose() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

async function within(milliseconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
