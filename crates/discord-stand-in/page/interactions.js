// The viewer's own interactions under way: commands that wait for their answer, and components that were pressed.

/** States and answers arrive by two ways, the request's own answer and the event stream, in any order. */
export class Interactions {
  /** Under way: id → `{ message, customId, channel }` of a component or a modal, or the entry of a command. */
  #underWay = new Map();
  /** States that arrived before the answer that names the interaction. */
  #early = new Map();
  #key = 0;
  #changed;
  #answered;

  /** Commands whose answer is not there yet, or never comes: `{ key, command, state, error, at, channel, viewer }`. */
  pending = [];
  /** Why a message's last interaction failed: message id → sentence. */
  failures = new Map();
  /** When the last one was started, by the page's own clock. */
  startedAt = -Infinity;

  /** `changed()` draws anew; `answered(id)` says whether a message answers the command of that interaction. */
  constructor({ changed, answered }) {
    this.#changed = changed;
    this.#answered = answered;
  }

  nextKey() {
    this.#key += 1;
    return `local-${this.#key}`;
  }

  /** The custom id of the component of a message that is under way; null when none is. */
  pendingOf(message) {
    for (const entry of this.#underWay.values()) if (entry.message === message.id) return entry.customId;
    return null;
  }

  /** Whether an interaction is a command that still waits. */
  isCommand(id) {
    return Boolean(this.#underWay.get(id)?.command);
  }

  /** Follows an interaction whose id is not known before the server's answer. */
  async start(promise, entry) {
    this.startedAt = performance.now();
    const answer = await promise;
    const state = this.#early.get(answer.id);
    this.#early.delete(answer.id);
    if (entry.done) return;
    this.#underWay.set(answer.id, entry);
    if (entry.command && this.#answered(answer.id)) this.settle(answer.id);
    else if (state) this.state(state);
  }

  /** Follows a command, which shows as an entry of its own until it is answered. */
  async startCommand(promise, entry) {
    this.pending.push(entry);
    this.#changed();
    try {
      await this.start(promise(), entry);
    } catch (error) {
      this.dismiss(entry);
      throw error;
    }
  }

  /** Follows the press of a component, which rests from the first moment on. */
  async startPress(promise, entry) {
    const waiting = `starting-${this.nextKey()}`;
    this.#underWay.set(waiting, entry);
    this.failures.delete(entry.message);
    this.#changed();
    try {
      const sent = promise();
      sent.then(() => this.#underWay.delete(waiting), () => {});
      await this.start(sent, entry);
    } catch (error) {
      this.#underWay.delete(waiting);
      this.failures.set(entry.message, error.message);
    }
    this.#changed();
  }

  /** What a modal answers. It may overtake the answer that names its interaction; then the newest press is its origin. */
  originOf(id) {
    const known = this.#underWay.get(id);
    const origin = known ?? [...this.#underWay].filter(([other]) => other.startsWith('starting-')).at(-1)?.[1];
    if (!known) this.#early.set(id, { id, state: 'done' });
    return origin;
  }

  /** Takes in what the server says about an interaction. */
  state(event) {
    const entry = this.#underWay.get(event.id);
    if (!entry) {
      this.#early.set(event.id, event);
      if (this.#early.size > 100) this.#early.delete(this.#early.keys().next().value);
      return;
    }
    if (entry.command) {
      if (event.state === 'done') {
        this.settle(event.id);
        return;
      }
      entry.state = event.state;
      entry.error = event.error;
      if (event.state === 'failed') this.#underWay.delete(event.id);
      this.#changed();
      return;
    }
    if (event.state === 'pending') return;
    if (event.state === 'failed') this.failures.set(entry.message, event.error ?? 'This interaction failed');
    this.settle(event.id);
  }

  /** An interaction has its answer. */
  settle(id) {
    const entry = this.#underWay.get(id);
    if (!entry) return;
    this.#underWay.delete(id);
    entry.done = true;
    this.dismiss(entry);
  }

  /** Takes a command's entry away. */
  dismiss(entry) {
    const at = this.pending.indexOf(entry);
    if (at >= 0) this.pending.splice(at, 1);
    this.#changed();
  }

  /** Forgets what is under way, as after a gap in which states were missed; what has failed still shows. */
  forget() {
    this.#underWay.clear();
    this.pending = this.pending.filter((entry) => entry.state === 'failed');
  }
}
