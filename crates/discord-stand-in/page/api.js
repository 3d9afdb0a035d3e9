// The page's only way to the server: one function a route, and the event stream with its reconnecting.

/** A refusal of the server, with the sentence it gave. */
export class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
  }
}

async function request(method, path, body) {
  const form = body instanceof FormData;
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined || form ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined || form ? body : JSON.stringify(body),
      cache: 'no-store',
    });
  } catch {
    throw new RequestError(0, 'The server cannot be reached. Is it still running?');
  }
  const text = await response.text();
  let answer = null;
  if (text) {
    try {
      answer = JSON.parse(text);
    } catch {
      answer = { message: text.slice(0, 200) };
    }
  }
  if (!response.ok) {
    throw new RequestError(
      response.status,
      answer?.message ?? `The server refused this with status ${response.status}.`,
    );
  }
  return answer;
}

const id = encodeURIComponent;

/** Everything but the messages; with a viewer, their direct messages are among the channels. */
export const fetchState = (viewer) => request('GET', `/page/state${viewer ? `?user=${id(viewer)}` : ''}`);

export const fetchCommands = () => request('GET', '/page/commands');

/** At most 100 messages, oldest first; `before` asks for those older than a message. */
export function fetchMessages(channel, viewer, before) {
  const older = before ? `&before=${id(before)}` : '';
  return request('GET', `/page/channels/${id(channel)}/messages?limit=100&user=${id(viewer)}${older}`);
}

export const fetchPins = (channel) => request('GET', `/page/channels/${id(channel)}/pins`);

export const fetchRequests = (limit) => request('GET', `/page/requests?limit=${limit}`);

export const postMessage = (message) => request('POST', '/page/messages', message);

/** An option that takes a file has its place among the files for its value. */
export function postCommand(command, files = []) {
  if (!files.length) return request('POST', '/page/interactions/command', command);
  const form = new FormData();
  const attachments = files.map((file, index) => ({ id: String(index), filename: file.name }));
  form.append('payload_json', JSON.stringify({ ...command, attachments }));
  files.forEach((file, index) => form.append(`files[${index}]`, file));
  return request('POST', '/page/interactions/command', form);
}

export const postAutocomplete = (command) => request('POST', '/page/interactions/autocomplete', command);

export const postComponent = (component) => request('POST', '/page/interactions/component', component);

export const postModal = (modal) => request('POST', '/page/interactions/modal', modal);

export const putReaction = (reaction) => request('PUT', '/page/reactions', reaction);

export const deleteReaction = (reaction) => request('DELETE', '/page/reactions', reaction);

export const advanceClock = (milliseconds) => request('POST', '/page/clock', { advance_ms: milliseconds });

export const putSwitch = (identifier, on) => request('PUT', `/page/switches/${id(identifier)}`, { on });

const EVENT_NAMES = [
  'message_create', 'message_update', 'message_delete', 'reaction', 'channel_create', 'channel_update',
  'typing', 'interaction', 'modal', 'commands', 'clock', 'switches', 'connected', 'members',
];
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8000;

/**
 * Listens to the events one viewer may see. `onEvent(name, data)` gets each of them, `onOpen(again)` each
 * connection (`again` after a gap, when events may have been missed) and `onLost()` each break.
 * Returns a function that stops listening.
 */
export function listen(viewer, { onEvent, onOpen, onLost }) {
  let source = null;
  let timer = 0;
  let retry = FIRST_RETRY_MS;
  let opened = false;
  let lost = false;
  let stopped = false;

  function connect() {
    source = new EventSource(`/page/events?user=${id(viewer)}`);
    source.onopen = () => {
      retry = FIRST_RETRY_MS;
      const again = opened || lost;
      opened = true;
      lost = false;
      onOpen(again);
    };
    source.onerror = () => {
      if (stopped) return;
      // The browser's own retrying gives up on some answers, so the page does it itself in every case.
      source.close();
      if (!lost) {
        lost = true;
        onLost();
      }
      timer = setTimeout(connect, retry);
      retry = Math.min(retry * 2, LONGEST_RETRY_MS);
    };
    for (const name of EVENT_NAMES) {
      source.addEventListener(name, (event) => {
        let data;
        try {
          data = event.data ? JSON.parse(event.data) : {};
        } catch {
          console.error(`An event "${name}" was not JSON and is left out.`);
          return;
        }
        onEvent(name, data);
      });
    }
  }

  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  };
}
