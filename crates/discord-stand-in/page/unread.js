// What each person has not seen yet: how many messages and pings, in which channels, from which message on.

/** Unread messages and pings: person → channel → `{ unread, pings, first }`. */
export class Unread {
  #people = new Map();

  /** What a person has not seen of a channel; undefined when they have seen it all. */
  of(person, channel) {
    return this.#people.get(person)?.get(channel);
  }

  /** How many pings a person has not seen, over all channels. */
  pings(person) {
    return [...(this.#people.get(person)?.values() ?? [])].reduce((sum, entry) => sum + entry.pings, 0);
  }

  /** Counts a message that a person has not seen; `pinged` when it pings them. */
  count(person, message, pinged) {
    if (!this.#people.has(person)) this.#people.set(person, new Map());
    const channels = this.#people.get(person);
    if (!channels.has(message.channel_id)) channels.set(message.channel_id, { unread: 0, pings: 0, first: message.id });
    const entry = channels.get(message.channel_id);
    entry.unread += 1;
    if (pinged) entry.pings += 1;
  }

  /** Forgets what a person had not seen of a channel; false when there was nothing. */
  read(person, channel) {
    return this.#people.get(person)?.delete(channel) ?? false;
  }
}
