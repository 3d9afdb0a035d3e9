// The page's state and its wiring: what the server says comes in here, what a person does goes out from here.

import * as api from './api.js';
import { switchButton } from './components.js';
import { Composer } from './composer.js';
import { Interactions } from './interactions.js';
import { cssColor, element, formatTime, icon, plainText, refreshTimes, timeElement } from './markdown.js';
import { RequestsDrawer, closePopup, dropToasts, openAmount, openModal, openPopover, toast } from './modal.js';
import {
  FLAG_EPHEMERAL, avatar, channelList, channelMark, continues, dayDivider, isDirect, isThread, messageBody, messageNode, peopleList, pendingNode, pings, welcome,
} from './render.js';
import { Unread } from './unread.js';

const PAGE_SIZE = 100;
const MOST_KEPT = 400;
const TYPING_MS = 10_000;
const OWN_THREAD_MS = 30_000;
const REQUESTS_SHOWN = 200;
const UNNAMED = 'Somebody';

const $ = (id) => document.getElementById(id);
const log = $('log');
const lines = $('lines');
const wide = window.matchMedia('(min-width: 1240px)');

const guild = { name: '', me: '', bot: null, application: '', channels: new Map(), members: new Map(), roles: new Map(), commands: [] };
const view = { viewer: null, channel: null, messages: [], complete: false, newFrom: null, loading: 0, unseen: 0 };
const clock = { base: Date.now(), at: performance.now() };
const unread = new Unread();
/** Nodes in the log: message id → { message, node, signature }. */
const drawn = new Map();
const dismissed = new Set();
/** Channels of other people's direct messages. */
const foreign = new Set();
const typing = new Map();
/** Whether something in the log is pressed, and whether what changed since then waits to be drawn. */
const press = { held: false, waiting: false };
let stopListening = null;

// Time

const now = () => clock.base + (performance.now() - clock.at);

function setClock(iso) {
  clock.base = Date.parse(iso);
  clock.at = performance.now();
  tick();
}

function tick() {
  const present = now();
  const text = formatTime(present, 'clock', present);
  const node = $('clock');
  if (node.textContent !== text) {
    node.textContent = text;
    node.dateTime = new Date(present).toISOString();
    node.title = formatTime(present, 'F', present);
  }
  refreshTimes(document.body, present);
}

// Names

const memberName = (member) => member.nick || member.user.global_name || member.user.username;

function highestRoles(member) {
  return (member?.roles ?? []).map((id) => guild.roles.get(id)).filter((role) => role && role.id !== guild.id)
    .sort((left, right) => (right.position ?? 0) - (left.position ?? 0));
}

const context = {
  get viewer() { return view.viewer; },
  now,
  userName: (id) => {
    const member = guild.members.get(id);
    if (member) return memberName(member);
    return guild.bot?.id === id ? guild.bot.global_name || guild.bot.username : null;
  },
  userColour: (id) => {
    const role = highestRoles(guild.members.get(id)).find((candidate) => candidate.color);
    return role ? cssColor(role.color) : null;
  },
  role: (id) => guild.roles.get(id),
  channel: (id) => guild.channels.get(id),
  openChannel: (id) => openChannel(id),
  fullTime: (ms) => formatTime(ms, 'F', now()),
  bot: () => guild.bot,
  members: () => [...guild.members.values()],
  roles: () => [...guild.roles.values()].filter((role) => role.id !== guild.id && role.name !== '@everyone'),
  channels: () => [...guild.channels.values()],
  memberName,
};

const people = () => [...guild.members.values()].filter((member) => !member.user.bot);
// Toasts and banners

const complain = (error) => toast(element('span', null, icon('alert'), ` ${error.message}`));

const connection = { server: true, bot: true };

function showBanner() {
  const banner = $('banner');
  banner.hidden = connection.server && connection.bot;
  banner.textContent = !connection.server ? 'The connection to the server is lost. Trying again…'
    : 'No bot is connected. Commands and buttons stay unanswered until one is.';
}

// Unread

function countArrival(message) {
  const watching = document.visibilityState === 'visible' && message.channel_id === view.channel && atBottom();
  const channel = guild.channels.get(message.channel_id);
  // Direct messages and ephemeral ones reach one person only.
  const personal = isDirect(channel) || Boolean(message.flags & FLAG_EPHEMERAL);
  for (const member of people()) {
    const person = member.user.id;
    if (person === message.author.id || (person === view.viewer && watching)) continue;
    if (personal && person !== view.viewer) continue;
    unread.count(person, message, isDirect(channel) || pings(message, person, member.roles));
  }
}

function markRead() {
  if (!view.channel || !view.viewer) return;
  if (!unread.read(view.viewer, view.channel)) return;
  drawChannels();
  drawPerson();
}

// The list of channels

function drawChannels() {
  const holder = $('channels');
  const focused = holder.contains(document.activeElement) ? document.activeElement.dataset.channel : null;
  holder.replaceChildren(...channelList([...guild.channels.values()], {
    tally: (id) => unread.of(view.viewer, id),
    current: view.channel,
    open: (id) => {
      openChannel(id);
      closeDrawers();
    },
  }));
  if (focused) holder.querySelector(`[data-channel="${CSS.escape(focused)}"]`)?.focus();
  const waiting = unread.pings(view.viewer);
  const button = $('side-button');
  button.replaceChildren(icon('menu'), element('span', { text: 'Channels' }), waiting > 0 && element('span', { class: 'badge', text: String(waiting) }) || '');
  button.setAttribute('aria-label', waiting ? `Channels, ${waiting} mentions` : 'Channels');
  document.title = `${waiting ? `(${waiting}) ` : ''}${guild.title}`;
}

function drawChannelHead() {
  const channel = guild.channels.get(view.channel);
  const parent = isThread(channel) ? guild.channels.get(channel.parent_id) : null;
  $('channel-name').replaceChildren(...(channel ? [
    ...(parent ? [
      element('button', { type: 'button', class: 'crumb', 'aria-label': `Back to #${parent.name}`, on: { click: () => openChannel(parent.id) } }, icon('back'), icon('hash'), element('span', { text: parent.name })),
      element('span', { class: 'crumb-mark', 'aria-hidden': 'true', text: '›' }), icon('threads'),
    ] : [icon(channelMark(channel))]),
    element('span', { class: 'channel-title', text: channel.name, dir: 'auto' }),
  ] : ['No channel']));
  $('topic').textContent = channel?.topic ?? '';
  log.setAttribute('aria-label', channel ? `Messages in ${isThread(channel) ? 'thread ' : isDirect(channel) ? '' : '#'}${channel.name}` : 'Messages');
  const place = isDirect(channel) ? `@${context.userName(guild.me) ?? channel.name}` : isThread(channel) ? `“${channel.name}”` : `#${channel?.name}`;
  const label = channel ? `Message ${place}` : 'Message';
  composer.setPlace(`${view.viewer} ${view.channel}`, label, greeting() ? `Type /${guild.greeting.command} or a message` : label, Boolean(channel && view.viewer));
}

/** What greets a newcomer in the open channel, with a way to follow it; nothing in most channels. */
function greeting() {
  if (!guild.greeting || guild.greeting.channel !== view.channel) return null;
  return { ...guild.greeting, begin: () => composer.begin(guild.greeting.command) };
}

// Who one is

function drawPerson() {
  const member = guild.members.get(view.viewer);
  const name = member ? memberName(member) : UNNAMED;
  const roleNames = (candidate) => highestRoles(candidate).map((role) => role.name).join(', ');
  $('person-avatar').replaceChildren(avatar(view.viewer ?? '0', name));
  $('person-name').textContent = name;
  $('person-roles').textContent = member ? roleNames(member) || 'No role' : '';
  const select = $('viewer');
  select.replaceChildren(...people().map((candidate) => {
    const { id } = candidate.user;
    const waiting = unread.pings(id);
    const roles = roleNames(candidate);
    return element('option', { value: id, text: `${memberName(candidate)}${roles ? ` — ${roles}` : ''}${waiting ? ` (${waiting} ${waiting === 1 ? 'ping' : 'pings'})` : ''}` });
  }));
  select.value = view.viewer ?? '';
  const others = people().filter((candidate) => candidate.user.id !== view.viewer && unread.pings(candidate.user.id) > 0);
  const badge = $('others');
  badge.hidden = others.length === 0;
  badge.textContent = String(others.reduce((sum, candidate) => sum + unread.pings(candidate.user.id), 0));
  badge.title = `Pinged: ${others.map(memberName).join(', ')}`;
  drawPeople();
}

function drawPeople() {
  const holder = $('people');
  const focused = holder.contains(document.activeElement) ? document.activeElement.dataset.person : null;
  holder.replaceChildren(...peopleList(context, {
    groupOf: (member) => highestRoles(member)[0], waiting: (id) => unread.pings(id), botOnline: connection.bot,
    become: (id) => {
      become(id);
      closeDrawers();
    },
  }));
  if (focused) holder.querySelector(`[data-person="${CSS.escape(focused)}"]`)?.focus();
}

// Messages

const older = (left, right) => (BigInt(left) < BigInt(right));
const atBottom = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;

function scrollToBottom() {
  log.scrollTop = log.scrollHeight;
  view.unseen = 0;
  drawPill();
  markRead();
}

function drawPill() {
  const pill = $('pill');
  pill.hidden = view.unseen === 0 && atBottom();
  if (pill.hidden) return;
  pill.classList.toggle('quiet', view.unseen === 0);
  pill.replaceChildren(view.unseen ? `${view.unseen} new ${view.unseen === 1 ? 'message' : 'messages'} ` : 'Jump to present ', icon('down'));
}

/** Puts a message where its id belongs, in place of an earlier version of it. */
function store(message) {
  const { messages } = view;
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    if (messages[index].id === message.id) {
      messages[index] = message;
      return;
    }
    if (older(messages[index].id, message.id)) {
      messages.splice(index + 1, 0, message);
      return;
    }
  }
  messages.unshift(message);
}

function visibleMessages() {
  return view.messages.filter((message) => !dismissed.has(message.id));
}

/** Draws what changed, or will as soon as nothing in the log is pressed. */
function drawMessages() {
  if (press.held) press.waiting = true;
  else drawNow();
}

/** The click comes after the release of its press, and before what waits for it. */
function released() {
  if (!press.held) return;
  setTimeout(() => {
    press.held = false;
    if (!press.waiting) return;
    press.waiting = false;
    drawNow();
  });
}

/** Draws what changed. Focus, scroll position and every node that stays the same are kept. */
function drawNow() {
  const follow = atBottom();
  const held = document.activeElement?.closest?.('.log [data-id]');
  const heldKey = held && { id: held.dataset.id, focus: document.activeElement.dataset.focus, whole: document.activeElement === held };
  const roles = guild.members.get(view.viewer)?.roles ?? [];
  const nodes = [];
  const kept = new Set();
  if (view.complete) nodes.push(reuse('welcome', `${view.channel} ${guild.channels.get(view.channel)?.name} ${Boolean(greeting())}`, () => welcome(guild.channels.get(view.channel), greeting(), context)));
  const own = interactions.pending.filter((entry) => entry.channel === view.channel && entry.viewer === view.viewer);
  let previous = null;
  let lastDay = '';
  for (const message of visibleMessages()) {
    const stamp = Date.parse(message.timestamp);
    while (own.length && own[0].at < stamp) {
      const entry = own.shift();
      nodes.push(reuse(entry.key, `${entry.state} ${entry.error}`, () => pendingNode(entry, context, actions)));
      previous = null;
    }
    const day = new Date(stamp).toDateString();
    const newDay = day !== lastDay;
    lastDay = day;
    if (newDay) nodes.push(reuse(`day ${message.id}`, String(stamp), () => dayDivider(stamp)));
    const isNew = view.newFrom === message.id;
    if (isNew) nodes.push(reuse('new', message.id, () => element('div', { class: 'divider new', role: 'separator', 'aria-label': 'New messages' }, element('span', { text: 'New' }))));
    const state = {
      grouped: !newDay && !isNew && continues(message, previous),
      pinged: pings(message, view.viewer, roles),
      pending: interactions.pendingOf(message),
      failure: interactions.failures.get(message.id) ?? null,
    };
    nodes.push(reuse(message.id, JSON.stringify(state), () => messageNode(message, context, actions, state), message));
    previous = message;
  }
  for (const entry of own) nodes.push(reuse(entry.key, `${entry.state} ${entry.error}`, () => pendingNode(entry, context, actions)));
  for (const [key, entry] of drawn) {
    if (!kept.has(key)) {
      entry.node.remove();
      drawn.delete(key);
    }
  }
  let cursor = lines.firstChild;
  for (const node of nodes) {
    if (cursor === node) cursor = cursor.nextSibling;
    else lines.insertBefore(node, cursor);
  }
  if (heldKey && !document.activeElement?.closest?.('.log [data-id]')) {
    const heir = log.querySelector(`[data-id="${CSS.escape(heldKey.id)}"]`);
    const target = heldKey.focus ? heir?.querySelector(`[data-focus="${CSS.escape(heldKey.focus)}"]`) : heldKey.whole ? heir : null;
    target?.focus({ preventScroll: true });
  }
  if (follow) log.scrollTop = log.scrollHeight;
  drawPill();

  function reuse(key, signature, make, message = null) {
    kept.add(key);
    const known = drawn.get(key);
    if (known && known.signature === signature && known.message === message) return known.node;
    const node = make();
    known?.node.replaceWith(node);
    drawn.set(key, { message, node, signature });
    return node;
  }
}

function redrawAll() {
  for (const entry of drawn.values()) entry.node.remove();
  drawn.clear();
  drawNow();
}

async function loadMessages() {
  const turn = ++view.loading;
  const { channel, viewer } = view;
  if (!channel || !viewer) {
    view.messages = [];
    view.complete = true;
    redrawAll();
    return;
  }
  log.setAttribute('aria-busy', 'true');
  try {
    const messages = await api.fetchMessages(channel, viewer);
    if (turn !== view.loading) return;
    view.messages = messages;
    view.complete = messages.length < PAGE_SIZE;
    redrawAll();
    scrollToBottom();
  } catch (error) {
    if (turn === view.loading) complain(error);
  } finally {
    if (turn === view.loading) log.setAttribute('aria-busy', 'false');
  }
}

async function loadOlder() {
  if (view.complete || view.fetchingOlder || !view.messages.length) return;
  view.fetchingOlder = true;
  const { channel, viewer } = view;
  try {
    const messages = await api.fetchMessages(channel, viewer, view.messages[0].id);
    if (channel !== view.channel || viewer !== view.viewer) return;
    view.complete = messages.length < PAGE_SIZE;
    const height = log.scrollHeight;
    view.messages = [...messages, ...view.messages];
    drawNow();
    log.scrollTop += log.scrollHeight - height;
  } catch (error) {
    complain(error);
  } finally {
    view.fetchingOlder = false;
  }
}

/** A jump goes to the message if it can be reached by loading older ones. */
async function jump(channel, message) {
  if (!message) return;
  if (channel && channel !== view.channel) await openChannel(channel);
  for (let round = 0; round < 20 && !drawn.has(message) && !view.complete; round += 1) await loadOlder();
  const node = drawn.get(message)?.node;
  if (!node) {
    toast('That message is no longer there.');
    return;
  }
  node.scrollIntoView({ block: 'center' });
  node.classList.add('flash');
  node.addEventListener('animationend', () => node.classList.remove('flash'), { once: true });
  node.focus({ preventScroll: true });
}

// What people do

const interactions = new Interactions({
  changed: () => drawMessages(),
  answered: (id) => view.messages.some((message) => message.interaction_metadata?.id === id),
});

async function sendCommand(command, name, files) {
  const entry = { key: interactions.nextKey(), command: name, state: 'pending', at: now(), channel: view.channel, viewer: view.viewer };
  const answered = interactions.startCommand(() => api.postCommand({ user: view.viewer, channel: view.channel, ...command }, files), entry);
  scrollToBottom();
  await answered;
}

function changeReaction(message, emoji, add) {
  const reactions = (message.reactions ?? []).map((reaction) => ({ ...reaction, users: [...(reaction.users ?? [])] }));
  let reaction = reactions.find((candidate) => candidate.emoji.name === emoji);
  if (!reaction && add) {
    reaction = { emoji: { id: null, name: emoji }, count: 0, me: false, users: [] };
    reactions.push(reaction);
  }
  if (!reaction || reaction.users.includes(view.viewer) === add) return message;
  reaction.count += add ? 1 : -1;
  reaction.users = add ? [...reaction.users, view.viewer] : reaction.users.filter((user) => user !== view.viewer);
  return { ...message, reactions: reactions.filter((candidate) => candidate.count > 0) };
}

const actions = {
  async react(message, emoji, add) {
    const current = view.messages.find((candidate) => candidate.id === message.id);
    if (current) {
      store(changeReaction(current, emoji, add));
      drawMessages();
    }
    try {
      const body = { user: view.viewer, channel: message.channel_id, message: message.id, emoji };
      await (add ? api.putReaction(body) : api.deleteReaction(body));
    } catch (error) {
      const standing = view.messages.find((candidate) => candidate.id === message.id);
      if (standing) store(changeReaction(standing, emoji, !add));
      drawMessages();
      complain(error);
    }
  },
  press(message, component, values) {
    return interactions.startPress(() => api.postComponent({
      user: view.viewer, channel: message.channel_id, message: message.id, custom_id: component.custom_id, component_type: component.type,
      ...(values === undefined ? {} : { values }),
    }), { message: message.id, customId: component.custom_id, channel: message.channel_id });
  },
  reply: (message) => composer.setReply({ id: message.id, name: context.userName(message.author.id) ?? message.author.username }),
  dismiss(message) {
    dismissed.add(message.id);
    drawMessages();
    composer.focus();
  },
  dismissPending(entry) {
    interactions.dismiss(entry);
    composer.focus();
  },
  jump,
  pins: () => showPins(),
};

function showModal(event) {
  if (event.user_id && event.user_id !== view.viewer) return;
  const origin = interactions.originOf(event.interaction_id);
  const channel = origin?.channel ?? view.channel;
  const { viewer } = view;
  interactions.settle(event.interaction_id);
  closePopup();
  openModal({
    title: event.title,
    components: event.components,
    from: context.userName(guild.bot.id) ?? guild.bot.username,
    context,
    submit: async (components) => {
      const entry = { message: origin?.message ?? null, customId: origin?.customId, channel };
      await interactions.start(api.postModal({
        user: viewer, channel, interaction_id: event.interaction_id, ...(origin?.message ? { message: origin.message } : {}), custom_id: event.custom_id, components,
      }), entry);
      drawMessages();
    },
  });
}

// Panels

async function showPins() {
  const anchor = $('pins-button');
  let pins;
  try {
    pins = await api.fetchPins(view.channel);
  } catch (error) {
    complain(error);
    return;
  }
  const popover = openPopover(anchor, { label: 'Pinned messages', className: 'pins' },
    element('h2', { class: 'pins-head' }, icon('pin'), ' Pinned messages'),
    pins.length === 0 && element('p', { class: 'pins-none', text: 'This channel has no pinned messages yet.' }),
    pins.map((message) => {
      const name = context.userName(message.author.id) ?? message.author.username;
      // The panel shows what is pinned; it is worked with where it stands.
      const body = element('div', { class: 'pin-body', inert: true });
      for (const part of messageBody({ ...message, components: [], reactions: [], thread: null }, context, actions).flat()) if (part) body.append(part);
      return element('section', { class: 'pin', 'aria-label': `Pinned message of ${name}` },
        element('div', { class: 'pin-head' }, avatar(message.author.id, name, 'small'), element('b', { text: name }), timeElement(Date.parse(message.timestamp), 'message', now(), 'stamp'),
          element('button', {
            type: 'button', class: 'button secondary small', text: 'Jump', on: {
              click: () => {
                popover.close();
                jump(message.channel_id, message.id);
              },
            },
          })), body);
    }));
}

async function advance(milliseconds) {
  try {
    const { now: iso } = await api.advanceClock(milliseconds);
    setClock(iso);
    drawMessages();
  } catch (error) {
    complain(error);
  }
}

function drawSwitches(switches) {
  const holder = $('switches');
  const focused = holder.contains(document.activeElement) ? document.activeElement.dataset.switch : null;
  holder.hidden = switches.length === 0;
  holder.replaceChildren(...switches.map((entry) => switchButton(entry, async (on) => {
    try {
      drawSwitches((await api.putSwitch(entry.id, on)).switches);
    } catch (error) {
      drawSwitches(switches);
      complain(error);
    }
  })));
  if (focused) holder.querySelector(`[data-switch="${CSS.escape(focused)}"]`)?.focus();
}

/** The drawers of a narrow page: at most one is open. */
const DRAWERS = { side: 'side-button', stage: 'stage-button', people: 'people-button' };

function toggleDrawer(name, open = !document.body.classList.contains(`open-${name}`)) {
  for (const other of Object.keys(DRAWERS)) {
    const shown = other === name && open;
    document.body.classList.toggle(`open-${other}`, shown);
    $(DRAWERS[other]).setAttribute('aria-expanded', String(shown));
  }
  $('shade').hidden = !Object.keys(DRAWERS).some((drawer) => document.body.classList.contains(`open-${drawer}`));
  if (open) $(name).querySelector('button:not([hidden]), a[href]')?.focus({ preventScroll: true });
}

function closeDrawers() {
  toggleDrawer('side', false);
}

function setPeople(shown) {
  document.body.classList.toggle('hide-people', !shown);
  $('people-button').setAttribute('aria-expanded', String(shown));
}

// Look

function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
  const next = theme === 'dark' ? 'light' : 'dark';
  const button = $('theme');
  button.replaceChildren(icon(next === 'light' ? 'sun' : 'moon'));
  button.setAttribute('aria-label', `Switch to the ${next} theme`);
  button.title = `Switch to the ${next} theme`;
  button.dataset.next = next;
}

const systemTheme = window.matchMedia('(prefers-color-scheme: light)');
const wantedTheme = () => remembered('theme') ?? (systemTheme.matches ? 'light' : 'dark');

function remembered(key) {
  try {
    return localStorage.getItem(`stand-in-${key}`);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(`stand-in-${key}`, value);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

// Where one is

function writeHash() {
  const hash = `#channel=${view.channel ?? ''}&as=${view.viewer ?? ''}`;
  if (window.location.hash !== hash) window.history.replaceState(null, '', hash);
}

function readHash() {
  const parameters = new URLSearchParams(window.location.hash.slice(1));
  return { channel: parameters.get('channel'), viewer: parameters.get('as') };
}

async function openChannel(id) {
  if (!guild.channels.has(id)) {
    toast('That channel is not here.');
    return;
  }
  if (view.channel === id && view.messages.length) {
    scrollToBottom();
    return;
  }
  dropToasts(id);
  view.channel = id;
  view.newFrom = unread.of(view.viewer, id)?.first ?? null;
  view.unseen = 0;
  view.messages = [];
  view.complete = false;
  remember('channel', id);
  writeHash();
  closePopup();
  drawChannels();
  drawChannelHead();
  drawTyping();
  redrawAll();
  await loadMessages();
}

async function become(id) {
  if (!guild.members.has(id) || id === view.viewer) return;
  view.viewer = id;
  view.newFrom = unread.of(id, view.channel)?.first ?? null;
  remember('viewer', id);
  writeHash();
  closePopup();
  // What was said to one person does not concern the next.
  dropToasts();
  interactions.failures.clear();
  foreign.clear();
  listenAs(id);
  // Each person has direct messages of their own among the channels.
  await loadState();
  writeHash();
  await loadMessages();
}

// What the server says

async function arrived(message) {
  // A channel unknown so far is the viewer's new direct one, or somebody else's and none of theirs.
  if (!guild.channels.has(message.channel_id)) {
    if (foreign.has(message.channel_id)) return;
    await loadState();
    if (!guild.channels.has(message.channel_id)) {
      foreign.add(message.channel_id);
      return;
    }
  }
  const origin = message.interaction_metadata?.id;
  const known = view.messages.some((candidate) => candidate.id === message.id);
  if (!known) countArrival(message);
  typing.delete(`${message.channel_id} ${message.author.id}`);
  const member = guild.members.get(view.viewer);
  const pinged = pings(message, view.viewer, member?.roles ?? []);
  const here = message.channel_id === view.channel;
  const bottom = here && atBottom();
  if (here) {
    if (!bottom && !known && message.author.id !== view.viewer) view.unseen += 1;
    store(message);
    if (bottom && view.messages.length > MOST_KEPT) {
      view.messages.splice(0, view.messages.length - MOST_KEPT);
      view.complete = false;
    }
  }
  if (origin && interactions.isCommand(origin)) interactions.settle(origin);
  if (here) {
    drawMessages();
    if (message.author.id === view.viewer) scrollToBottom();
  }
  const channel = guild.channels.get(message.channel_id);
  const personal = isDirect(channel);
  if ((pinged || (personal && message.author.id !== view.viewer)) && !known && !(bottom && document.visibilityState === 'visible')) {
    const name = context.userName(message.author.id) ?? message.author.username;
    toast([element('b', { text: personal ? `${name} wrote to you` : `${name} mentioned you in ${isThread(channel) ? '' : '#'}${channel.name}` }),
      element('span', { class: 'toast-excerpt', text: plainText(message.content || message.embeds?.[0]?.title || '', context).slice(0, 140) })],
    () => jump(message.channel_id, message.id), 'Show', message.channel_id);
  }
  drawChannels();
  drawPerson();
  drawTyping();
}

/** Updates may carry a part of a message only; the rest stands. */
function changed(message) {
  if (message.channel_id !== view.channel) return;
  const standing = view.messages.find((candidate) => candidate.id === message.id);
  if (!standing) return;
  store({ ...standing, ...message });
  drawMessages();
}

function channelArrived(channel) {
  const known = guild.channels.get(channel.id);
  guild.channels.set(channel.id, { ...known, ...channel });
  drawChannels();
  if (channel.id === view.channel) drawChannelHead();
  if (!known && isThread(channel) && performance.now() - interactions.startedAt < OWN_THREAD_MS && channel.id !== view.channel) {
    toast([element('b', { text: 'Thread opened' }), element('span', { class: 'toast-excerpt', text: channel.name })], () => openChannel(channel.id), 'Jump', channel.id);
  }
}

function drawTyping() {
  const present = performance.now();
  for (const [key, entry] of typing) if (present - entry.at > TYPING_MS) typing.delete(key);
  const names = [...typing.values()].filter((entry) => entry.channel === view.channel && entry.user !== view.viewer)
    .map((entry) => context.userName(entry.user) ?? UNNAMED);
  $('typing').textContent = names.length === 0 ? '' : names.length === 1 ? `${names[0]} is typing…` : `${names.join(', ')} are typing…`;
}

const handlers = {
  message_create: arrived,
  message_update: changed,
  reaction: changed,
  message_delete({ channel_id: channel, id }) {
    if (channel !== view.channel) return;
    view.messages = view.messages.filter((message) => message.id !== id);
    drawMessages();
  },
  channel_create: channelArrived,
  channel_update: channelArrived,
  typing({ channel_id: channel, user }) {
    const id = typeof user === 'object' ? user.id : user;
    typing.set(`${channel} ${id}`, { channel, user: id, at: performance.now() });
    drawTyping();
  },
  interaction: (event) => interactions.state(event),
  modal: showModal,
  commands: () => loadCommands(),
  clock({ now: iso }) {
    setClock(iso);
    drawMessages();
  },
  switches: ({ switches }) => drawSwitches(switches),
  connected({ connected }) {
    connection.bot = connected;
    showBanner();
    drawPeople();
  },
  members: () => loadState(),
};

/** Some events wrap their object, as in `{ message: … }`. */
const unwrapped = {
  message_create: 'message', message_update: 'message', reaction: 'message', channel_create: 'channel', channel_update: 'channel',
};

function listenAs(viewer) {
  stopListening?.();
  stopListening = api.listen(viewer, {
    onEvent: (name, data) => handlers[name](data[unwrapped[name]] ?? data),
    onOpen: async (again) => {
      connection.server = true;
      showBanner();
      if (!again) return;
      interactions.forget();
      await Promise.all([loadState(), loadCommands(), loadMessages()]);
    },
    onLost: () => {
      connection.server = false;
      showBanner();
    },
  });
}

async function loadCommands() {
  try {
    guild.commands = await api.fetchCommands();
    composer.setCommands(guild.commands);
  } catch (error) {
    complain(error);
  }
}

async function loadState() {
  let state;
  try {
    state = await api.fetchState(view.viewer ?? readHash().viewer ?? remembered('viewer'));
  } catch (error) {
    complain(error);
    return false;
  }
  guild.id = state.guild.id;
  guild.name = state.guild.name;
  guild.title = state.title || state.guild.name;
  guild.me = state.me;
  guild.bot = state.bot ?? { id: state.me, username: 'App' };
  guild.application = state.application_id;
  guild.greeting = state.welcome ?? null;
  guild.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
  guild.members = new Map(state.members.map((member) => [member.user.id, member]));
  guild.roles = new Map(state.roles.map((role) => [role.id, role]));
  connection.bot = state.connected;
  setClock(state.now);
  drawSwitches(state.switches ?? []);
  $('stage-title').textContent = guild.title;
  $('guild-name').textContent = guild.name;
  $('rail-guild').textContent = guild.name.split(/\s+/).map((word) => [...word][0]).join('').slice(0, 3).toUpperCase();
  showBanner();
  if (!guild.members.has(view.viewer)) {
    const wanted = [readHash().viewer, remembered('viewer')].find((id) => guild.members.has(id) && !guild.members.get(id).user.bot);
    view.viewer = wanted ?? people()[0]?.user.id ?? null;
  }
  if (!guild.channels.has(view.channel)) {
    view.channel = [readHash().channel, remembered('channel')].find((id) => guild.channels.has(id))
      ?? [...guild.channels.values()].find((channel) => channel.type === 0)?.id ?? null;
  }
  drawChannels();
  drawPerson();
  drawChannelHead();
  return true;
}

const composer = new Composer($('composer'), {
  channel: () => view.channel,
  viewer: () => view.viewer,
  members: () => [...guild.members.values()],
  memberName,
  roles: context.roles,
  channels: context.channels,
  botName: () => context.userName(guild.bot?.id) ?? 'the app',
  send: async (message) => {
    const sent = await api.postMessage({ user: view.viewer, channel: view.channel, ...message });
    if (sent?.channel_id === view.channel && !view.messages.some((candidate) => candidate.id === sent.id)) {
      store(sent);
      drawMessages();
    }
    scrollToBottom();
  },
  command: sendCommand,
  autocomplete: (command) => api.postAutocomplete({ user: view.viewer, channel: view.channel, ...command }),
});

const requests = new RequestsDrawer({
  drawer: $('requests'), list: $('requests-list'), button: $('requests-button'), close: $('requests-close'), fetch: () => api.fetchRequests(REQUESTS_SHOWN), now,
});

function wire() {
  $('rail-home').append(icon('home'));
  $('person-swap').append(icon('swap'));
  $('pins-button').append(icon('pin'));
  $('people-button').append(icon('people'));
  $('requests-close').append(icon('close'));
  $('stage-button').append(icon('clock'), element('span', { text: 'Clock' }));
  $('stage-button').setAttribute('aria-label', 'Clock and switches');

  $('viewer').addEventListener('change', (event) => become(event.target.value));
  $('side-button').addEventListener('click', () => toggleDrawer('side'));
  $('stage-button').addEventListener('click', () => toggleDrawer('stage'));
  $('people-button').addEventListener('click', () => (wide.matches ? setPeople(document.body.classList.contains('hide-people')) : toggleDrawer('people')));
  $('shade').addEventListener('click', closeDrawers);
  $('pins-button').addEventListener('click', showPins);
  $('requests-button').addEventListener('click', closeDrawers);
  $('clock-other').addEventListener('click', (event) => openAmount(event.currentTarget, advance));
  for (const button of document.querySelectorAll('[data-advance]')) button.addEventListener('click', () => advance(Number(button.dataset.advance)));
  $('theme').addEventListener('click', (event) => {
    const { next } = event.currentTarget.dataset;
    remember('theme', next);
    applyTheme(next);
  });
  systemTheme.addEventListener('change', () => applyTheme(wantedTheme()));
  $('pill').addEventListener('click', scrollToBottom);
  log.addEventListener('scroll', () => {
    if (log.scrollTop < 300) loadOlder();
    if (atBottom()) {
      view.unseen = 0;
      if (document.visibilityState === 'visible') markRead();
    }
    drawPill();
  }, { passive: true });
  // A button that is replaced between the press and the release is not clicked: nothing is drawn in between.
  lines.addEventListener('pointerdown', () => { press.held = true; });
  for (const end of ['pointerup', 'pointercancel']) window.addEventListener(end, released);
  window.addEventListener('blur', released);
  log.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    const current = event.target.closest('article');
    if (event.target !== log && event.target !== current) return;
    const all = [...log.querySelectorAll('article')];
    const next = current ? all[all.indexOf(current) + (event.key === 'ArrowUp' ? -1 : 1)] : all.at(-1);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'nearest' });
  });
  // On a touch screen a tap on a message shows what can be done with it.
  log.addEventListener('click', (event) => {
    const message = event.target.closest('article');
    const wasSelected = message?.classList.contains('selected');
    for (const other of log.querySelectorAll('article.selected')) other.classList.remove('selected');
    if (message && !wasSelected && !event.target.closest('button, a, input, select, summary')) message.classList.add('selected');
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    const open = Object.keys(DRAWERS).find((name) => document.body.classList.contains(`open-${name}`));
    if (open) {
      closeDrawers();
      $(DRAWERS[open]).focus();
    } else if (!$('requests').hidden) requests.show(false);
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && atBottom()) markRead();
  });
  window.addEventListener('hashchange', async () => {
    const wanted = readHash();
    if (wanted.viewer) await become(wanted.viewer);
    if (wanted.channel && wanted.channel !== view.channel) await openChannel(wanted.channel);
  });
  // What grows above the bottom, a file's preview or the composer, must not push the newest message out of sight.
  let follow = true;
  log.addEventListener('scroll', () => { follow = atBottom(); }, { passive: true });
  const growth = new ResizeObserver(() => { if (follow) log.scrollTop = log.scrollHeight; });
  growth.observe(log);
  growth.observe(lines);
  setInterval(() => {
    tick();
    drawTyping();
  }, 1000);
}

async function start() {
  applyTheme(wantedTheme());
  wire();
  setPeople(wide.matches);
  while (!await loadState()) await new Promise((resume) => { setTimeout(resume, 2000); });
  writeHash();
  if (view.viewer) listenAs(view.viewer);
  await Promise.all([loadCommands(), loadMessages()]);
  if (window.matchMedia('(pointer: fine)').matches) composer.focus();
}

start();
