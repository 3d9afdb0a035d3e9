// Discord's Markdown as DOM nodes, and the small element builder that every module of the page uses.
// Text of a message only ever becomes text nodes; nothing here parses HTML.

/**
 * Builds an element. Properties: `class`, `text`, `dataset`, `style` (an object), `on` (listeners by event name);
 * everything else is set as an attribute, where `true` means present and `false`, `null`, `undefined` absent.
 */
export function element(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') node.className = value;
    else if (name === 'text') node.textContent = value;
    else if (name === 'dataset') Object.assign(node.dataset, value);
    else if (name === 'style') {
      for (const [property, setting] of Object.entries(value)) node.style.setProperty(property, setting);
    } else if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child);
  }
}

const SVG = 'http://www.w3.org/2000/svg';
const ICONS = {
  hash: ['M9 4 7 20', 'M17 4l-2 16', 'M4.5 9h16', 'M3.5 15h16'],
  at: ['M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0z', 'M16 8v5.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.5 7.1'],
  thread: ['M5 4v7a4 4 0 0 0 4 4h10', 'm15 11 4 4-4 4'],
  threads: ['M4 5h16v11H10l-5 4v-4H4z', 'M8 9h8', 'M8 12h5'],
  pin: ['M9 3h6l-1 6 4 4H6l4-4z', 'M12 13v8'],
  people: ['M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z', 'M2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6', 'M16 4.5a3.5 3.5 0 0 1 0 6.5', 'M18 14.5c2.5.8 3.5 2.8 3.5 5.5'],
  menu: ['M4 7h16', 'M4 12h16', 'M4 17h16'],
  clock: ['M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z', 'M12 7v5l3.5 2'],
  sun: ['M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z', 'M12 2v3', 'M12 19v3', 'M2 12h3', 'M19 12h3', 'm5 5 2 2', 'm17 17 2 2', 'm5 19 2-2', 'm17 7 2-2'],
  moon: ['M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z'],
  close: ['m6 6 12 12', 'M18 6 6 18'],
  send: ['M4 12 3 4l18 8-18 8 1-8z', 'M4 12h9'],
  smile: ['M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z', 'M8 14c1 2 2.5 3 4 3s3-1 4-3', 'M9 9.5v.1', 'M15 9.5v.1'],
  reply: ['M10 5 4 11l6 6', 'M4 11h9c4 0 7 2 7 7'],
  down: ['m6 9 6 6 6-6'],
  back: ['m15 6-6 6 6 6'],
  file: ['M6 3h8l5 5v13H6z', 'M14 3v5h5', 'M9 13h6', 'M9 17h6'],
  download: ['M12 4v11', 'm7 11 5 5 5-5', 'M5 20h14'],
  eye: ['M2 12c3-5 6-7 10-7s7 2 10 7c-3 5-6 7-10 7s-7-2-10-7z', 'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z'],
  list: ['M4 6h16', 'M4 12h16', 'M4 18h10'],
  link: ['M14 4h6v6', 'M20 4 10 14', 'M17 14v6H4V7h6'],
  check: ['m5 12 5 5 9-10'],
  alert: ['M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z', 'M12 7v6', 'M12 16.5v.1'],
  home: ['M4 11 12 4l8 7', 'M6 10v10h12V10', 'M10 20v-6h4v6'],
  swap: ['M7 4 3 8l4 4', 'M3 8h13', 'm17 12 4 4-4 4', 'M21 16H8'],
};

/** One of the page's own line icons, hidden from assistive technology. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  for (const shape of ICONS[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', shape);
    svg.append(path);
  }
  return svg;
}

const LOCALE = navigator.language?.startsWith('en') ? navigator.language : 'en-GB';
const format = (options) => new Intl.DateTimeFormat(LOCALE, options);
const TIME_STYLES = {
  t: format({ hour: '2-digit', minute: '2-digit' }),
  T: format({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
  d: format({ day: '2-digit', month: '2-digit', year: 'numeric' }),
  D: format({ day: 'numeric', month: 'long', year: 'numeric' }),
  f: format({ day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' }),
  F: format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' }),
  clock: format({ weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
};
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
const UNITS = [
  ['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1],
];

function relative(unixMs, nowMs) {
  const seconds = Math.round((unixMs - nowMs) / 1000);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return RELATIVE.format(Math.trunc(seconds / size), unit);
}

/** A moment in one of Discord's styles t, T, d, D, f, F, R, or as the page's clock, as seen at `nowMs`. */
export function formatTime(unixMs, style, nowMs) {
  const date = new Date(unixMs);
  if (Number.isNaN(date.getTime())) return 'Invalid date';
  return style === 'R' ? relative(unixMs, nowMs) : (TIME_STYLES[style] ?? TIME_STYLES.f).format(date);
}

/** "Today at 10:02", "Yesterday at 10:02" or the day and the time, as a message's head shows it. */
export function formatMessageTime(unixMs, nowMs) {
  const day = (ms) => new Date(ms).toDateString();
  const time = formatTime(unixMs, 't', nowMs);
  if (day(unixMs) === day(nowMs)) return `Today at ${time}`;
  if (day(unixMs) === day(nowMs - 86_400_000)) return `Yesterday at ${time}`;
  return `${formatTime(unixMs, 'd', nowMs)}, ${time}`;
}

/** Writes again every time below `root` whose wording depends on the present moment. */
export function refreshTimes(root, nowMs) {
  for (const node of root.querySelectorAll('time[data-unix]')) {
    const unixMs = Number(node.dataset.unix);
    const text = node.dataset.look === 'message'
      ? formatMessageTime(unixMs, nowMs)
      : formatTime(unixMs, node.dataset.look, nowMs);
    if (node.textContent !== text) node.textContent = text;
  }
}

/** A `<time>` element that `refreshTimes` keeps right; `look` is a style letter or "message". */
export function timeElement(unixMs, look, nowMs, className) {
  const valid = !Number.isNaN(new Date(unixMs).getTime());
  return element('time', {
    class: className,
    datetime: valid ? new Date(unixMs).toISOString() : null,
    title: formatTime(unixMs, 'F', nowMs),
    dataset: valid ? { unix: String(unixMs), look } : {},
    text: look === 'message' && valid ? formatMessageTime(unixMs, nowMs) : formatTime(unixMs, look, nowMs),
  });
}

const SHORTCODES = {
  white_check_mark: '✅', x: '❌', eyes: '👀', warning: '⚠️', rocket: '🚀', tada: '🎉', thumbsup: '👍', '+1': '👍',
  thumbsdown: '👎', '-1': '👎', fire: '🔥', lock: '🔒', bell: '🔔', stopwatch: '⏱️', hourglass: '⌛', pushpin: '📌',
  smile: '😄', heart: '❤️', wave: '👋', construction: '🚧', rotating_light: '🚨', clipboard: '📋', memo: '📝',
};
const EMOJI_ONLY = /^(?:(?:\p{Extended_Pictographic}|\p{Regional_Indicator})(?:\u{FE0F}|\u{200D}|\u{20E3}|\p{Emoji_Modifier})*\s*){1,27}$/u;

/** Only links that lead to a web page are followed. */
export function safeUrl(address) {
  try {
    const url = new URL(address);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}

function link(address, children, title) {
  return element('a', { href: address, target: '_blank', rel: 'noopener noreferrer', title }, children);
}

const MENTION = /<@!?(\d+)>|<@&(\d+)>|<#(\d+)>|<t:(-?\d{1,13})(?::([tTdDfFR]))?>|<\/([^:>]{1,100}):\d+>|<a?:(\w{2,32}):\d+>|<(https?:\/\/[^\s<>]+)>/y;
const BARE_LINK = /https?:\/\/[^\s<]+[^<.,:;"'\])\s*_~|]/y;
const SHORTCODE = /:([a-z0-9_+-]{1,32}):/y;
const EVERYONE = /@(everyone|here)\b/y;
const CODE_BLOCK = /```(?:([a-zA-Z0-9_+.#-]*)\n)?\n*([^]*?)\n*```/y;

function matchAt(pattern, text, position) {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

/** The code span that begins here, as `{ text, end }`, or null: it ends at the next run of as many backticks. */
function codeSpan(text, position) {
  if (text[position - 1] === '`') return null;
  let start = position;
  while (text[start] === '`') start += 1;
  const run = text.slice(position, start);
  for (let at = text.indexOf(run, start); at >= 0; at = text.indexOf(run, at)) {
    let end = at;
    while (text[end] === '`') end += 1;
    if (end - at === run.length) return { text: text.slice(start, at), end };
    at = end;
  }
  return null;
}

/** The position of the next `mark` at or after `from` that is neither escaped nor inside a code span, or -1. */
function findMark(text, mark, from, accept) {
  let position = from;
  while (position < text.length) {
    if (text[position] === '\\') {
      position += 2;
      continue;
    }
    if (text[position] === '`') {
      position = codeSpan(text, position)?.end ?? position + 1;
      continue;
    }
    if (text.startsWith(mark, position) && accept(position)) return position;
    position += 1;
  }
  return -1;
}

const DELIMITERS = [
  // The mark, the element, and which positions may close it.
  ['**', 'strong', (text, at) => text[at + 2] !== '*'],
  ['__', 'u', (text, at) => text[at + 2] !== '_'],
  ['~~', 's', () => true],
  ['||', 'spoiler', () => true],
  ['*', 'em', (text, at) => text[at - 1] !== '*' && text[at + 1] !== '*' && !/\s/.test(text[at - 1])],
  ['_', 'em', (text, at) => text[at - 1] !== '_' && text[at + 1] !== '_'],
];

function delimited(text, position, context, depth) {
  for (const [mark, kind, closes] of DELIMITERS) {
    if (!text.startsWith(mark, position)) continue;
    const start = position + mark.length;
    if (mark === '*' && /\s/.test(text[start] ?? ' ')) continue;
    const end = findMark(text, mark, start + 1, (at) => closes(text, at));
    if (end < 0) continue;
    // An underscore inside a word, as in a variable's name, is no mark; the text up to there stays plain.
    if (mark === '_' && /\w/.test(text[end + 1] ?? ' ')) continue;
    const children = inline(text.slice(start, end), context, depth + 1);
    return { node: kind === 'spoiler' ? spoiler(children) : element(kind, null, children), end: end + mark.length };
  }
  return null;
}

function spoiler(children) {
  const content = element('span', { class: 'spoiler-content', inert: true }, children);
  const node = element('span', {
    class: 'spoiler', role: 'button', tabindex: '0', 'aria-label': 'Spoiler, press to reveal', 'aria-expanded': 'false',
  }, content);
  const reveal = () => {
    node.classList.add('revealed');
    content.inert = false;
    for (const attribute of ['role', 'tabindex', 'aria-label', 'aria-expanded']) node.removeAttribute(attribute);
  };
  node.addEventListener('click', reveal, { once: true });
  node.addEventListener('keydown', (event) => {
    if ((event.key === 'Enter' || event.key === ' ') && !node.classList.contains('revealed')) {
      event.preventDefault();
      reveal();
    }
  });
  return node;
}

function mention(match, context) {
  const [source, user, role, channel, unix, style, command, emoji, address] = match;
  if (user) {
    const name = context.userName(user);
    return element('span', { class: user === context.viewer ? 'mention self' : 'mention', text: `@${name ?? 'unknown-user'}`, title: source });
  }
  if (role) {
    const found = context.role(role);
    const node = element('span', { class: 'mention', text: `@${found?.name ?? 'unknown-role'}` });
    if (found?.color) {
      node.classList.add('coloured');
      node.style.setProperty('--role', cssColor(found.color));
    }
    return node;
  }
  if (channel) {
    const found = context.channel(channel);
    if (!found) return element('span', { class: 'mention', text: '#unknown' });
    return element('button', {
      type: 'button', class: 'mention', on: { click: () => context.openChannel(channel) },
    }, icon(found.parent_id && found.type !== 0 ? 'threads' : 'hash'), found.name);
  }
  if (unix) {
    const node = timeElement(Number(unix) * 1000, style ?? 'f', context.now(), 'timestamp');
    return node;
  }
  if (command) return element('span', { class: 'mention', text: `/${command}` });
  if (emoji) return element('span', { class: 'emoji-name', text: `:${emoji}:` });
  const safe = safeUrl(address);
  return safe ? link(safe, address) : document.createTextNode(source);
}

/** `[text](https://… "title")`, with balanced brackets in the text; null when it is not one. */
function maskedLink(text, position, context, depth) {
  let level = 0;
  let end = -1;
  for (let at = position; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '[') level += 1;
    else if (text[at] === ']') {
      level -= 1;
      if (level === 0) {
        end = at;
        break;
      }
    }
  }
  if (end < 0 || text[end + 1] !== '(') return null;
  const target = /\(\s*<?(https?:\/\/(?:[^\s()<>]|\([^\s()<>]*\))+)>?(?:\s+"([^"]*)")?\s*\)/y;
  const match = matchAt(target, text, end + 1);
  const address = match && safeUrl(match[1]);
  const label = text.slice(position + 1, end);
  if (!address || !label.trim()) return null;
  return {
    node: link(address, inline(label, { ...context, insideLink: true }, depth + 1), match[2] ? `${match[2]} (${address})` : address),
    end: end + 1 + match[0].length,
  };
}

function special(text, position, context, depth) {
  const rest = (match, node) => ({ node, end: position + match[0].length });
  switch (text[position]) {
    case '\\': {
      const next = text[position + 1];
      return next && /[^0-9A-Za-z\s]/.test(next) ? { node: document.createTextNode(next), end: position + 2 } : null;
    }
    case '`': {
      const span = codeSpan(text, position);
      return span && { node: element('code', { class: 'inline-code', text: span.text.replace(/^ (.*`.*) $/s, '$1') }), end: span.end };
    }
    case '<': {
      const match = matchAt(MENTION, text, position);
      return match && rest(match, mention(match, context));
    }
    case '[':
      return context.insideLink ? null : maskedLink(text, position, context, depth);
    case 'h': {
      if (context.insideLink || /\w/.test(text[position - 1] ?? ' ')) return null;
      const match = matchAt(BARE_LINK, text, position);
      if (!match) return null;
      // A closing bracket belongs to the sentence unless the address opened one.
      const address = safeUrl(match[0]);
      return address && rest(match, link(address, match[0]));
    }
    case '@': {
      const match = matchAt(EVERYONE, text, position);
      return match && rest(match, element('span', { class: 'mention', text: match[0] }));
    }
    case ':': {
      const match = matchAt(SHORTCODE, text, position);
      return match && SHORTCODES[match[1]] ? rest(match, document.createTextNode(SHORTCODES[match[1]])) : null;
    }
    default:
      return delimited(text, position, context, depth);
  }
}

const SPECIAL = /[\\`<[h@:*_~|]/g;
const DEEPEST = 12;

/** The nodes of text within one line or paragraph. */
function inline(text, context, depth = 0) {
  if (depth > DEEPEST) return [document.createTextNode(text)];
  const nodes = [];
  let plain = 0;
  SPECIAL.lastIndex = 0;
  let position = 0;
  while (position < text.length) {
    SPECIAL.lastIndex = position;
    const found = SPECIAL.exec(text);
    if (!found) break;
    const outcome = special(text, found.index, context, depth);
    if (!outcome) {
      position = found.index + 1;
      continue;
    }
    if (found.index > plain) nodes.push(document.createTextNode(text.slice(plain, found.index)));
    nodes.push(outcome.node);
    position = outcome.end;
    plain = position;
  }
  if (plain < text.length) nodes.push(document.createTextNode(text.slice(plain)));
  return nodes;
}

const LIST_ITEM = /^( *)([-*]|\d{1,9}\.) +(?=\S)(.*)$/;
const HEADING = /^(#{1,3}) +(?=\S)(.*?)(?: +#+)?$/;
const SUBTEXT = /^-# +(?=\S)(.*)$/;

function listNodes(lines, context) {
  const roots = [];
  const open = [];
  for (const line of lines) {
    const [, space, mark, text] = LIST_ITEM.exec(line);
    const indent = space.length;
    while (open.length && open.at(-1).indent > indent) open.pop();
    const ordered = /\d/.test(mark);
    let level = open.at(-1);
    if (level && level.indent === indent && level.ordered !== ordered) {
      open.pop();
      level = open.at(-1);
    }
    if (!level || level.indent < indent) {
      const list = element(ordered ? 'ol' : 'ul', ordered ? { start: Number.parseInt(mark, 10) } : null);
      const parent = level?.list.lastElementChild;
      if (parent) parent.append(list);
      else roots.push(list);
      level = { indent, list, ordered };
      open.push(level);
    }
    level.list.append(element('li', null, inline(text, context)));
  }
  return roots;
}

/** The nodes of lines that hold no code block. */
function blocks(text, context, quoted) {
  const nodes = [];
  const lines = text.split('\n');
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) nodes.push(element('div', { class: 'paragraph', dir: 'auto' }, inline(paragraph.join('\n'), context)));
    paragraph = [];
  };
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index];
    const heading = HEADING.exec(line);
    const subtext = SUBTEXT.exec(line);
    if (!quoted && line.startsWith('>>> ')) {
      flush();
      const rest = [line.slice(4), ...lines.slice(index + 1)].join('\n');
      nodes.push(element('blockquote', null, blocks(rest, context, true)));
      return nodes;
    }
    if (!quoted && (line.startsWith('> ') || line === '>')) {
      flush();
      const inner = [];
      while (index < lines.length && (lines[index].startsWith('> ') || lines[index] === '>')) {
        inner.push(lines[index].slice(2));
        index += 1;
      }
      index -= 1;
      nodes.push(element('blockquote', null, blocks(inner.join('\n'), context, true)));
    } else if (heading) {
      flush();
      // The page's own outline begins with the channel's name, so a message's headings stand below it.
      nodes.push(element(`h${heading[1].length + 1}`, { class: `heading-${heading[1].length}`, dir: 'auto' }, inline(heading[2], context)));
    } else if (subtext) {
      flush();
      nodes.push(element('small', { class: 'subtext', dir: 'auto' }, inline(subtext[1], context)));
    } else if (LIST_ITEM.test(line)) {
      flush();
      const items = [];
      while (index < lines.length && LIST_ITEM.test(lines[index])) {
        items.push(lines[index]);
        index += 1;
      }
      index -= 1;
      nodes.push(...listNodes(items, context));
    } else {
      paragraph.push(line);
    }
  }
  flush();
  return nodes;
}

/** The position of the next code block that is not escaped, with its match, or null. */
function nextCodeBlock(text, from) {
  for (let at = text.indexOf('```', from); at >= 0; at = text.indexOf('```', at + 1)) {
    if (text[at - 1] === '\\') continue;
    const match = matchAt(CODE_BLOCK, text, at);
    if (match && match[2].trim()) return { at, match };
  }
  return null;
}

/**
 * The nodes of a message's or an embed's text. The context answers `userName(id)`, `role(id)`, `channel(id)`,
 * `openChannel(id)`, `now()` in milliseconds, and holds `viewer`, the id of the person looking.
 */
export function markdown(text, context) {
  const fragment = document.createDocumentFragment();
  let position = 0;
  const source = String(text ?? '').replace(/\r\n?/g, '\n');
  for (;;) {
    const block = nextCodeBlock(source, position);
    const before = source.slice(position, block ? block.at : source.length);
    // The line break beside a code block is the block's own, not an empty line.
    const trimmed = (position > 0 ? before.replace(/^\n/, '') : before).replace(block ? /\n$/ : /$^/, '');
    if (trimmed) append(fragment, blocks(trimmed, context, false));
    if (!block) break;
    fragment.append(element('pre', { class: 'code-block', tabindex: '0', dataset: block.match[1] ? { language: block.match[1] } : {} },
      element('code', { text: block.match[2] })));
    position = block.at + block.match[0].length;
  }
  return fragment;
}

/** The nodes of one line, for titles and field names. */
export function markdownLine(text, context) {
  const fragment = document.createDocumentFragment();
  append(fragment, inline(String(text ?? ''), context));
  return fragment;
}

/** Whether a text is nothing but emoji, which Discord shows large. */
export const isEmojiOnly = (text) => EMOJI_ONLY.test(text ?? '');

/** The text without its marks and with names for mentions, for previews of one line. */
export function plainText(text, context) {
  const holder = element('div', null, markdown(text, context));
  for (const hidden of holder.querySelectorAll('.spoiler-content')) hidden.textContent = '▮▮▮';
  for (const block of holder.children) block.append(' ');
  return holder.textContent.replace(/\s+/g, ' ').trim();
}

/** An embed's or a role's colour number as CSS. */
export const cssColor = (number) => `#${(number & 0xffffff).toString(16).padStart(6, '0')}`;
