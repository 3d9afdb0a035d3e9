// What is drawn: a message with its head, text, embeds, files and reactions; the lists of channels and people.

import { componentRows } from './components.js';
import { fileSize } from './file.js';
import { openPopover } from './modal.js';
import {
  cssColor, element, formatTime, icon, isEmojiOnly, markdown, markdownLine, plainText, safeUrl, timeElement,
} from './markdown.js';

const DIRECT = 1;
const THREADS = [10, 11, 12];
export const FLAG_EPHEMERAL = 64;
const FLAG_LOADING = 128;
const FLAG_SUPPRESS_EMBEDS = 4;
const TYPE_REPLY = 19;
const GROUP_MS = 7 * 60_000;
const PREVIEW_BYTES = 200_000;
const PREVIEW_LINES = 12;
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

const QUICK_REACTIONS = ['✅', '❌', '👀'];
const REACTIONS = [
  ['✅', 'check mark'], ['❌', 'cross'], ['👀', 'eyes'], ['👍', 'thumbs up'], ['👎', 'thumbs down'], ['🎉', 'party'],
  ['🚀', 'rocket'], ['❤️', 'heart'], ['😄', 'smile'], ['🤔', 'thinking'], ['🙏', 'thanks'], ['🔥', 'fire'],
  ['⚠️', 'warning'], ['🛑', 'stop'], ['⏳', 'hourglass'], ['💯', 'hundred'],
];

const AVATAR_HUES = [235, 262, 152, 22, 340, 200, 45, 290, 175, 5, 215, 95];

/** A disc with the initials, in a colour that stays with the person. */
export function avatar(id, name, className = '') {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  const initials = name.split(/[\s._-]+/).filter(Boolean).slice(0, 2).map((word) => [...word][0]).join('').toUpperCase();
  return element('span', {
    class: `avatar ${className}`, 'aria-hidden': 'true', text: initials || '?', style: { '--hue': String(AVATAR_HUES[sum % AVATAR_HUES.length]) },
  });
}

function authorName(message, context) {
  return context.userName(message.author.id) ?? message.author.global_name ?? message.author.username;
}

/** Whether a message stands under its predecessor's head instead of one of its own. */
export function continues(message, previous) {
  return Boolean(previous)
    && previous.author.id === message.author.id
    && [0, undefined].includes(message.type)
    && [0, 19, 20, undefined].includes(previous.type)
    && !message.interaction_metadata?.name
    && !message.message_reference
    && (message.flags & FLAG_EPHEMERAL) === (previous.flags & FLAG_EPHEMERAL)
    && Date.parse(message.timestamp) - Date.parse(previous.timestamp) < GROUP_MS;
}

/** Whether a message pings a person, by name, by role or with everyone. */
export function pings(message, person, roles) {
  if (message.author.id === person) return false;
  return Boolean(message.mention_everyone)
    || (message.mentions ?? []).some((user) => user.id === person)
    || (message.mention_roles ?? []).some((role) => roles.includes(role));
}

function embedNode(embed, context) {
  const title = embed.title && element(safeUrl(embed.url) ? 'a' : 'div', {
    class: 'embed-title', href: safeUrl(embed.url), target: safeUrl(embed.url) ? '_blank' : null,
    rel: safeUrl(embed.url) ? 'noopener noreferrer' : null, dir: 'auto',
  }, markdownLine(embed.title, { ...context, insideLink: Boolean(embed.url) }));
  const author = embed.author && element(safeUrl(embed.author.url) ? 'a' : 'div', {
    class: 'embed-author', href: safeUrl(embed.author.url), target: safeUrl(embed.author.url) ? '_blank' : null,
    rel: safeUrl(embed.author.url) ? 'noopener noreferrer' : null, text: embed.author.name, dir: 'auto',
  });
  const fields = (embed.fields ?? []).map((field) => element('div', { class: field.inline ? 'embed-field inline' : 'embed-field' },
    element('div', { class: 'embed-field-name', dir: 'auto' }, markdownLine(field.name, context)),
    element('div', { class: 'embed-field-value markup' }, markdown(field.value, context))));
  const stamp = embed.timestamp && timeElement(Date.parse(embed.timestamp), 'message', context.now());
  const foot = (embed.footer?.text || stamp) && element('div', { class: 'embed-footer', dir: 'auto' },
    embed.footer?.text, embed.footer?.text && stamp && element('span', { class: 'bullet', text: ' • ' }), stamp);
  return element('div', {
    class: 'embed', style: embed.color === null || embed.color === undefined ? {} : { '--bar': cssColor(embed.color) },
  }, author, title, embed.description && element('div', { class: 'embed-description markup' }, markdown(embed.description, context)),
  fields.length > 0 && element('div', { class: 'embed-fields' }, fields), foot);
}

/** Files are read from this server only; an address elsewhere stays a plain link. */
function localUrl(address) {
  try {
    const url = new URL(address, window.location.href);
    const here = window.location;
    if (url.origin === here.origin) return url.href;
    // The same server under another of its loopback names.
    return LOOPBACK.includes(url.hostname) && LOOPBACK.includes(here.hostname) && url.port === here.port
      ? here.origin + url.pathname + url.search : null;
  } catch {
    return null;
  }
}

async function showPreview(attachment, holder) {
  let text;
  try {
    const response = await fetch(localUrl(attachment.url));
    if (!response.ok) return;
    text = (await response.text()).replace(/\r\n?/g, '\n');
  } catch {
    return;
  }
  const lines = text.split('\n');
  const code = element('code', { text: lines.slice(0, PREVIEW_LINES).join('\n') });
  holder.append(element('pre', { class: 'file-preview', tabindex: '0', 'aria-label': `Preview of ${attachment.filename}` }, code));
  if (lines.length > PREVIEW_LINES) {
    const more = element('button', {
      type: 'button', class: 'text-button', 'aria-expanded': 'false', text: `Show all ${lines.length} lines`, on: {
        click: () => {
          const open = more.getAttribute('aria-expanded') === 'true';
          more.setAttribute('aria-expanded', String(!open));
          more.textContent = open ? `Show all ${lines.length} lines` : 'Show less';
          code.textContent = open ? lines.slice(0, PREVIEW_LINES).join('\n') : text;
        },
      },
    });
    holder.append(more);
  }
}

function attachmentNode(attachment) {
  const local = localUrl(attachment.url);
  if (local && attachment.content_type?.startsWith('image/')) {
    return element('img', { class: 'attached-image', src: local, alt: attachment.description ?? attachment.filename, loading: 'lazy' });
  }
  const address = local ?? safeUrl(attachment.url);
  const holder = element('div', { class: 'file' },
    element('div', { class: 'file-card' },
      icon('file'),
      element('div', { class: 'file-text' },
        element('a', { class: 'file-name', href: address, target: '_blank', rel: 'noopener noreferrer', text: attachment.filename }),
        element('span', { class: 'file-size', text: fileSize(attachment.size ?? 0) })),
      address && element('a', {
        class: 'icon-button', href: address, download: attachment.filename, 'aria-label': `Download ${attachment.filename}`,
      }, icon('download'))));
  const readable = /\.(md|markdown|txt|log|json|ya?ml|csv|xml)$/i.test(attachment.filename) || attachment.content_type?.startsWith('text/');
  if (local && readable && (attachment.size ?? 0) <= PREVIEW_BYTES) showPreview(attachment, holder);
  return holder;
}

/** Who reacted, as far as the server says it. */
const reacted = (reaction, viewer) => (reaction.users
  ? reaction.users.includes(viewer) || (reaction.burst_users ?? []).includes(viewer)
  : reaction.me);

function reactionChips(message, context, actions) {
  const chips = (message.reactions ?? []).map((reaction) => {
    const own = reacted(reaction, context.viewer);
    const { name } = reaction.emoji;
    const people = [...(reaction.users ?? []), ...(reaction.burst_users ?? [])].map((user) => context.userName(user) ?? 'someone');
    return element('button', {
      type: 'button',
      class: 'reaction',
      'aria-pressed': String(own),
      'aria-label': `${name} ${reaction.count} ${reaction.count === 1 ? 'reaction' : 'reactions'}`,
      title: people.length ? `${name} by ${people.join(', ')}` : null,
      dataset: { focus: `reaction-${name}` },
      on: { click: () => actions.react(message, name, !own) },
    }, element('span', { class: 'reaction-emoji', text: name }), element('span', { class: 'reaction-count', text: String(reaction.count) }));
  });
  if (!chips.length) return null;
  chips.push(element('button', {
    type: 'button', class: 'reaction add', 'aria-label': 'Add reaction', 'aria-haspopup': 'dialog', 'aria-expanded': 'false',
    dataset: { focus: 'add-reaction' }, on: { click: (event) => openReactionPicker(event.currentTarget, message, actions) },
  }, icon('smile')));
  return element('div', { class: 'reactions', role: 'group', 'aria-label': 'Reactions' }, chips);
}

function openReactionPicker(anchor, message, actions) {
  const popover = openPopover(anchor, { label: 'Add a reaction', className: 'reaction-picker' },
    element('div', { class: 'picker-grid' }, REACTIONS.map(([emoji, name]) => element('button', {
      type: 'button', class: 'picker-emoji', 'aria-label': `${emoji} ${name}`, text: emoji, on: {
        click: () => {
          popover.close();
          actions.react(message, emoji, true);
        },
      },
    }))));
  if (!popover) return;
  popover.node.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...popover.node.querySelectorAll('.picker-emoji')];
    all[all.indexOf(document.activeElement) + step]?.focus();
  });
}

function actionBar(message, context, actions) {
  const ephemeral = message.flags & FLAG_EPHEMERAL;
  if (ephemeral) return null;
  const users = (emoji) => (message.reactions ?? []).find((reaction) => reaction.emoji.name === emoji);
  return element('div', { class: 'message-actions', role: 'toolbar', 'aria-label': 'Message actions' },
    QUICK_REACTIONS.map((emoji) => element('button', {
      type: 'button', class: 'action quick', 'aria-label': `React with ${emoji}`, text: emoji, dataset: { focus: `quick-${emoji}` },
      on: {
        click: () => {
          const standing = users(emoji);
          actions.react(message, emoji, !(standing && reacted(standing, context.viewer)));
        },
      },
    })),
    element('button', {
      type: 'button', class: 'action', 'aria-label': 'Add reaction', title: 'Add reaction', 'aria-haspopup': 'dialog', 'aria-expanded': 'false',
      dataset: { focus: 'action-reaction' }, on: { click: (event) => openReactionPicker(event.currentTarget, message, actions) },
    }, icon('smile')),
    element('button', {
      type: 'button', class: 'action', 'aria-label': 'Reply', title: 'Reply', dataset: { focus: 'action-reply' },
      on: { click: () => actions.reply(message) },
    }, icon('reply')));
}

function contextLine(message, context, actions) {
  const metadata = message.interaction_metadata;
  // A follow-up answers the first response, and is shown as a reply to it.
  if (metadata?.name && message.type !== TYPE_REPLY) {
    const user = metadata.user ?? message.interaction?.user;
    const name = user ? context.userName(user.id) ?? user.username : 'Someone';
    return element('div', { class: 'message-context' },
      user && avatar(user.id, name, 'tiny'),
      element('span', { class: 'context-name', text: name }), ' used ',
      element('span', { class: 'context-command' }, `/${metadata.name}`));
  }
  if (message.type !== TYPE_REPLY && !(message.message_reference && message.referenced_message)) return null;
  const origin = message.referenced_message;
  if (!origin) {
    return element('div', { class: 'message-context' }, element('em', { text: 'The original message was deleted' }));
  }
  const name = authorName(origin, context);
  return element('button', {
    type: 'button', class: 'message-context reply', title: 'Jump to the message',
    on: { click: () => actions.jump(origin.channel_id ?? message.channel_id, origin.id) },
  }, element('span', { class: 'visually-hidden', text: 'In reply to ' }), avatar(origin.author.id, name, 'tiny'), element('span', { class: 'context-name', text: name }),
  element('span', { class: 'context-text', text: plainText(origin.content || origin.embeds?.[0]?.title || '', context) || 'Press to see the message' }));
}

function systemText(message, context, actions) {
  const name = element('span', { class: 'author', text: authorName(message, context) });
  const jump = (text, act) => element('button', { type: 'button', class: 'inline-button', text, on: { click: act } });
  switch (message.type) {
    case 4: return [name, ' changed the channel name: ', element('b', { text: message.content })];
    case 6: return [name, ' pinned ', jump('a message', () => actions.jump(message.channel_id, message.message_reference?.message_id)),
      ' to this channel. See all ', jump('pinned messages', () => actions.pins()), '.'];
    case 7: return [name, ' joined the server.'];
    case 18: {
      const thread = message.message_reference?.channel_id ?? message.thread?.id;
      return [name, ' started a thread: ', jump(message.content || context.channel(thread)?.name || 'thread', () => context.openChannel(thread)), '.'];
    }
    case 21: return ['The thread began here.'];
    default: return null;
  }
}

function threadCard(message, context) {
  if (!message.thread || message.type === 18) return null;
  const thread = context.channel(message.thread.id) ?? message.thread;
  const count = thread.message_count ?? 0;
  return element('button', {
    type: 'button', class: 'thread-card', on: { click: () => context.openChannel(thread.id) },
  }, element('span', { class: 'thread-card-name', text: thread.name }),
  element('span', { class: 'thread-card-count', text: count ? `${count} ${count === 1 ? 'message' : 'messages'} ›` : 'Open thread ›' }));
}

function thinking(name) {
  return element('div', { class: 'thinking', role: 'status' },
    element('span', { class: 'dots', 'aria-hidden': 'true' }, element('i'), element('i'), element('i')), ` ${name} is thinking…`);
}

function head(author, name, stamp, context) {
  const colour = context.userColour(author.id);
  return element('div', { class: 'message-head' },
    element('span', { class: 'author', text: name, style: colour ? { '--role': colour } : {} }),
    author.bot && element('span', { class: 'app-tag', text: 'APP' }),
    timeElement(stamp, 'message', context.now(), 'stamp'));
}

/** The embeds that are not merely a file's picture, which this page shows among the files. */
const shownEmbeds = (message) => (message.flags & FLAG_SUPPRESS_EMBEDS ? [] : (message.embeds ?? []));

/** The body of a message without head and actions; the panel of pins shows it too. */
export function messageBody(message, context, actions, state = {}) {
  if (message.flags & FLAG_LOADING) return [thinking(authorName(message, context))];
  const edited = message.edited_timestamp
    && element('span', { class: 'edited', text: '(edited)', title: context.fullTime(Date.parse(message.edited_timestamp)) });
  const content = message.content
    && element('div', { class: isEmojiOnly(message.content) ? 'markup content jumbo' : 'markup content' }, markdown(message.content, context));
  if (edited && content) {
    const last = content.lastElementChild;
    if (last?.classList.contains('paragraph')) last.append(' ', edited);
    else content.append(edited);
  }
  return [
    content,
    (message.attachments ?? []).map(attachmentNode),
    shownEmbeds(message).map((embed) => embedNode(embed, context)),
    message.components?.length > 0 && componentRows(message.components, {
      pending: state.pending, guild: context, press: (component, values) => actions.press(message, component, values),
    }),
    edited && !content && edited,
    reactionChips(message, context, actions),
    threadCard(message, context),
    state.failure && element('div', { class: 'interaction-failure', role: 'alert' }, icon('alert'), ` ${state.failure}`),
  ];
}

/**
 * A message. `state` holds `grouped`, `pinged`, `pending` (the custom id of the component that is under way) and
 * `failure` (why its last interaction failed).
 */
export function messageNode(message, context, actions, state) {
  const system = systemText(message, context, actions);
  const name = authorName(message, context);
  const stamp = Date.parse(message.timestamp);
  const ephemeral = Boolean(message.flags & FLAG_EPHEMERAL);
  const classes = ['message'];
  if (!state.grouped) classes.push('start');
  if (state.pinged) classes.push('pinged');
  if (ephemeral) classes.push('ephemeral');
  if (system) classes.push('system');
  const body = element('div', { class: 'message-body' });
  const node = element('article', {
    class: classes.join(' '), dataset: { id: message.id }, tabindex: '-1',
    'aria-label': `${name}, ${context.fullTime(stamp)}${state.pinged ? ', mentions you' : ''}`,
  });
  if (system) {
    node.append(element('span', { class: 'system-icon' }, icon({ 6: 'pin', 18: 'threads', 21: 'threads' }[message.type] ?? 'swap')), body);
    body.append(element('div', { class: 'system-line' }, system, ' ', timeElement(stamp, 'message', context.now(), 'stamp')));
    const chips = reactionChips(message, context, actions);
    if (chips) body.append(chips);
    return node;
  }
  const line = contextLine(message, context, actions);
  if (line) {
    node.classList.add('start', 'with-context');
    node.append(line);
  }
  if (node.classList.contains('start')) {
    node.append(avatar(message.author.id, name));
    body.append(head(message.author, name, stamp, context));
  } else {
    node.append(timeElement(stamp, 't', context.now(), 'gutter-time'));
  }
  for (const part of messageBody(message, context, actions, state).flat()) if (part) body.append(part);
  if (ephemeral) {
    body.append(element('div', { class: 'ephemeral-note' }, icon('eye'), ' Only you can see this · ',
      element('button', { type: 'button', class: 'inline-button', text: 'Dismiss message', dataset: { focus: 'dismiss' }, on: { click: () => actions.dismiss(message) } })));
  }
  node.append(body);
  const bar = actionBar(message, context, actions);
  if (bar) node.append(bar);
  return node;
}

/**
 * What stands in for the answer to the viewer's own command until it comes: sending, thinking, or why none will.
 * `entry` holds `id`, `command`, `state`, `error` and `at` in milliseconds.
 */
export function pendingNode(entry, context, actions) {
  const viewerName = context.userName(context.viewer) ?? 'You';
  const bot = context.bot();
  const name = context.userName(bot.id) ?? bot.username;
  const body = element('div', { class: 'message-body' }, head({ ...bot, bot: true }, name, entry.at, context));
  if (entry.state === 'failed') {
    body.append(
      element('div', { class: 'interaction-failure', role: 'alert' }, icon('alert'), ` ${entry.error ?? 'The application did not respond'}`),
      element('div', { class: 'ephemeral-note' }, icon('eye'), ' Only you can see this · ',
        element('button', { type: 'button', class: 'inline-button', text: 'Dismiss message', dataset: { focus: 'dismiss' }, on: { click: () => actions.dismissPending(entry) } })));
  } else if (entry.state === 'deferred') {
    body.append(thinking(name));
  } else {
    body.append(element('div', { class: 'thinking', role: 'status' }, 'Sending command…'));
  }
  return element('article', { class: 'message start with-context local', dataset: { id: entry.key }, tabindex: '-1', 'aria-label': `${name}, answer to /${entry.command}` },
    element('div', { class: 'message-context' }, avatar(context.viewer, viewerName, 'tiny'),
      element('span', { class: 'context-name', text: viewerName }), ' used ', element('span', { class: 'context-command', text: `/${entry.command}` })),
    avatar(bot.id, name), body);
}

/** What stands above a channel's first message; a greeting, as `{ text, command, begin }`, says what to do here. */
export function welcome(channel, greeting, context) {
  if (!channel) return element('div', { class: 'welcome' }, element('p', { text: 'There is no channel yet.' }));
  if (greeting) {
    return element('div', { class: 'welcome greeting' },
      element('p', { class: 'welcome-title', dir: 'auto', text: `Welcome to #${channel.name}!` }),
      element('div', { class: 'markup' }, markdown(greeting.text, context)),
      element('button', { type: 'button', class: 'button primary', dataset: { focus: 'begin' }, on: { click: greeting.begin } }, `Type /${greeting.command} for me`));
  }
  const thread = isThread(channel);
  return element('div', { class: 'welcome' },
    element('span', { class: 'welcome-icon' }, icon(channelMark(channel))),
    element('p', { class: 'welcome-title', dir: 'auto', text: thread || isDirect(channel) ? channel.name : `Welcome to #${channel.name}!` }),
    element('p', { text: thread ? 'This is the start of the thread.' : isDirect(channel) ? 'This is the start of your direct messages.' : `This is the start of the #${channel.name} channel.` }));
}

/** The line between two days. */
export function dayDivider(ms) {
  return element('div', { class: 'divider', role: 'separator' }, element('span', { text: formatTime(ms, 'D', ms) }));
}

/** Whether a channel is a thread. */
export const isThread = (channel) => THREADS.includes(channel?.type);

/** Whether a channel is somebody's direct messages. */
export const isDirect = (channel) => channel?.type === DIRECT;

/** The name of a channel's icon. */
export const channelMark = (channel) => (isDirect(channel) ? 'at' : isThread(channel) ? 'threads' : 'hash');

function channelButton(channel, { tally, current, open }) {
  const entry = tally(channel.id);
  const isCurrent = channel.id === current;
  const archived = channel.thread_metadata?.archived;
  const classes = ['channel', isThread(channel) ? 'thread' : '', isCurrent ? 'current' : '', entry ? 'unread' : '', archived ? 'archived' : ''];
  const note = [archived && 'archived', entry && (entry.pings ? `${entry.pings} ${entry.pings === 1 ? 'mention' : 'mentions'}` : 'unread')].filter(Boolean);
  return element('button', {
    type: 'button', class: classes.filter(Boolean).join(' '), 'aria-current': isCurrent ? 'page' : null,
    'aria-label': `${isDirect(channel) ? '' : isThread(channel) ? 'Thread ' : '#'}${channel.name}${note.length ? `, ${note.join(', ')}` : ''}`,
    title: channel.name, dataset: { channel: channel.id }, on: { click: () => open(channel.id) },
  }, !isThread(channel) && icon(channelMark(channel)), element('span', { class: 'channel-label', text: channel.name, dir: 'auto' }),
  entry?.pings > 0 && element('span', { class: 'badge', text: String(entry.pings) }));
}

/**
 * The list of channels by category, threads under their parents. `view` holds `current`, the open channel's id,
 * `open(id)`, and `tally(id)`, a channel's `{ unread, pings }` when it has unread messages.
 */
export function channelList(all, view) {
  const place = (left, right) => (left.position ?? 0) - (right.position ?? 0) || (BigInt(left.id) < BigInt(right.id) ? -1 : 1);
  const newestFirst = (left, right) => Number(Boolean(left.thread_metadata?.archived)) - Number(Boolean(right.thread_metadata?.archived))
    || (BigInt(left.id) > BigInt(right.id) ? -1 : 1);
  const texts = all.filter((channel) => [0, 5].includes(channel.type)).sort(place);
  const groups = new Map();
  const direct = all.filter(isDirect);
  if (direct.length) groups.set('Direct messages', direct);
  for (const channel of texts) {
    const category = all.find((parent) => parent.id === channel.parent_id)?.name ?? 'Text channels';
    if (!groups.has(category)) groups.set(category, []);
    groups.get(category).push(channel);
  }
  return [...groups].map(([category, members], index) => element('div', { class: 'category', role: 'group', 'aria-labelledby': `category-${index}` },
    element('h2', { id: `category-${index}`, text: category }),
    element('ul', null, members.map((channel) => {
      const threads = all.filter((candidate) => isThread(candidate) && candidate.parent_id === channel.id).sort(newestFirst);
      return element('li', null, channelButton(channel, view),
        threads.length > 0 && element('ul', { class: 'thread-list' }, threads.map((thread) => element('li', null, channelButton(thread, view)))));
    }))));
}

/**
 * The members by their highest role, apps last. `view` holds `groupOf(member)`, that role, `waiting(id)`, how many
 * pings a person has not seen, `botOnline`, and `become(id)`.
 */
export function peopleList(context, view) {
  const groups = new Map();
  for (const member of context.members()) {
    const role = view.groupOf(member);
    const [name, position] = member.user.bot ? ['Apps', -2] : role ? [role.name, role.position ?? 0] : ['Members', -1];
    if (!groups.has(name)) groups.set(name, { position, members: [] });
    groups.get(name).members.push(member);
  }
  const order = [...groups].sort(([, left], [, right]) => right.position - left.position);
  return order.map(([name, { members }]) => element('section', { 'aria-label': name },
    element('h2', { text: `${name} — ${members.length}` }),
    members.map((member) => {
      const { id, bot } = member.user;
      const waiting = view.waiting(id);
      const face = [avatar(id, context.memberName(member), view.botOnline || !bot ? 'online' : 'offline'),
        element('span', { class: 'people-name', text: context.memberName(member), dir: 'auto', style: context.userColour(id) ? { '--role': context.userColour(id) } : {} }),
        bot && element('span', { class: 'app-tag', text: 'APP' }),
        id === context.viewer && element('span', { class: 'you', text: 'you' }),
        waiting > 0 && element('span', { class: 'badge', text: String(waiting) })];
      if (bot) return element('div', { class: 'people-row' }, face);
      return element('button', {
        type: 'button', class: 'people-row', title: `Become ${context.memberName(member)}`, dataset: { person: id }, on: { click: () => view.become(id) },
      }, element('span', { class: 'visually-hidden', text: 'Become ' }), face);
    })));
}
