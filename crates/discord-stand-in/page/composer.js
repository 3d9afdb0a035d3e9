// The composer: plain messages with mentions, and slash commands from their first letter to their last option.

import { FileChoice, LARGEST_FILE, copyOf } from './file.js';
import { element, icon } from './markdown.js';

const AUTOCOMPLETE_PAUSE_MS = 150;
const LONGEST_MESSAGE = 2000;
const MOST_SHOWN = 50;
const CHAT_INPUT = 1;
const KIND = {
  subcommand: 1, group: 2, string: 3, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, attachment: 11,
};
const SNOWFLAKE_KINDS = [KIND.user, KIND.channel, KIND.role, KIND.mentionable];

/** Every command that can be sent, with its subcommands laid flat: `{ id, root, path, name, description, options }`. */
export function flattenCommands(commands) {
  const flat = [];
  for (const command of commands) {
    if ((command.type ?? CHAT_INPUT) !== CHAT_INPUT) continue;
    const walk = (node, path) => {
      const below = (node.options ?? []).filter((option) => option.type === KIND.subcommand || option.type === KIND.group);
      if (below.length) {
        for (const option of below) walk(option, [...path, option]);
        return;
      }
      flat.push({
        id: command.id,
        root: command.name,
        path: path.map(({ type, name }) => ({ type, name })),
        name: [command.name, ...path.map((step) => step.name)].join(' '),
        description: node.description ?? '',
        // Discord asks for the required options first.
        options: [...(node.options ?? [])].sort((left, right) => Number(Boolean(right.required)) - Number(Boolean(left.required))),
      });
    };
    walk(command, []);
  }
  return flat.sort((left, right) => left.name.localeCompare(right.name));
}

/** How well a command answers what was typed after the slash; lower is better, null means not at all. */
function rank(command, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const name = command.name.toLowerCase();
  if (!words.length || name.startsWith(words.join(' '))) return 0;
  const parts = name.split(' ');
  if (words.every((word) => parts.some((part) => part.startsWith(word)))) return 1;
  if (words.every((word) => name.includes(word))) return 2;
  if (words.every((word) => command.description.toLowerCase().includes(word) || name.includes(word))) return 3;
  return null;
}

/** Nests the options of a subcommand as an interaction carries them. */
function nested(path, options) {
  return path.reduceRight((inner, step) => [{ type: step.type, name: step.name, options: inner }], options);
}

/** The list of things a person may take over the composer: one active entry, moved by the arrow keys. */
class Suggestions {
  constructor(list) {
    this.list = list;
    this.entries = [];
    this.active = -1;
    // A press on the list must not take the focus out of the field.
    list.addEventListener('pointerdown', (event) => event.preventDefault());
    list.addEventListener('mousedown', (event) => event.preventDefault());
  }

  /** Entries are `{ label, detail, aside, take }`; the first becomes active. */
  show(entries, label) {
    this.entries = entries;
    this.list.setAttribute('aria-label', label);
    this.list.replaceChildren(...entries.map((entry, index) => element('li', {
      id: `suggestion-${index}`, role: 'option', class: 'suggestion', 'aria-selected': 'false',
      on: { click: () => entry.take(), pointermove: () => this.activate(index, false) },
    },
    entry.sign && element('span', { class: 'suggestion-sign', text: entry.sign, 'aria-hidden': 'true' }),
    element('span', { class: 'suggestion-text' },
      element('span', { class: 'suggestion-label', text: entry.label, dir: 'auto' }),
      entry.detail && element('span', { class: 'suggestion-detail', text: entry.detail, dir: 'auto' })),
    entry.aside && element('span', { class: 'suggestion-aside', text: entry.aside }))));
    this.list.hidden = entries.length === 0;
    this.activate(entries.length ? 0 : -1);
  }

  activate(index, scroll = true) {
    this.list.children[this.active]?.setAttribute('aria-selected', 'false');
    this.active = index;
    const node = this.list.children[index];
    node?.setAttribute('aria-selected', 'true');
    if (scroll) node?.scrollIntoView({ block: 'nearest' });
    this.onActive?.(node?.id ?? null);
  }

  move(step) {
    if (this.entries.length) this.activate((this.active + step + this.entries.length) % this.entries.length);
  }

  get current() {
    return this.entries[this.active] ?? null;
  }
}

/**
 * The host answers `channel()`, `viewer()`, `members()`, `memberName(member)`, `roles()`, `channels()`,
 * `botName()`, and carries out `send({content, reply_to})`, `command({…}, name, files)` and `autocomplete({…})`, each a
 * promise.
 */
export class Composer {
  #host;
  #commands = [];
  #mentions = new Map();
  #reply = null;
  #active = null;
  #drafts = new Map();
  #draftKey = null;

  constructor(form, host) {
    this.#host = host;
    this.form = form;
    this.head = element('div', { class: 'panel-head' });
    this.list = element('ul', { id: 'composer-suggestions', class: 'suggestions', role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
    this.extra = element('div', { class: 'panel-extra', role: 'group', 'aria-label': 'More options' });
    this.panel = element('div', { class: 'composer-panel', hidden: true }, this.head, this.list, this.extra);
    this.panel.addEventListener('mousedown', (event) => event.preventDefault());
    this.replyBar = element('div', { class: 'reply-bar', hidden: true });
    this.problem = element('p', { class: 'composer-problem', role: 'alert' });
    this.text = element('textarea', {
      class: 'composer-text', rows: '1', role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-haspopup': 'listbox',
      'aria-controls': 'composer-suggestions', autocomplete: 'off', dir: 'auto', enterkeyhint: 'send',
    });
    this.commandForm = element('div', { class: 'command-form', role: 'group', hidden: true });
    this.slash = element('button', { type: 'button', class: 'icon-button slash', 'aria-label': 'Commands', title: 'Commands' },
      element('span', { class: 'slash-sign', 'aria-hidden': 'true', text: '/' }));
    this.sendButton = element('button', { type: 'submit', class: 'icon-button send', 'aria-label': 'Send' }, icon('send'));
    form.append(this.panel, this.replyBar,
      element('div', { class: 'composer-box' }, this.slash, this.text, this.commandForm, this.sendButton), this.problem);

    this.suggestions = new Suggestions(this.list);
    this.suggestions.onActive = (identifier) => {
      const field = this.#active ? this.#active.focused?.control : this.text;
      if (!field || field.getAttribute('role') !== 'combobox') return;
      if (identifier) field.setAttribute('aria-activedescendant', identifier);
      else field.removeAttribute('aria-activedescendant');
      field.setAttribute('aria-expanded', String(Boolean(identifier)));
    };
    this.slash.addEventListener('click', () => {
      if (this.#active) this.#leaveCommand('');
      this.text.value = this.text.value.startsWith('/') ? '' : '/';
      this.text.focus();
      this.#textChanged();
    });
    this.text.addEventListener('input', () => this.#textChanged());
    this.text.addEventListener('click', () => this.#textChanged());
    this.text.addEventListener('keydown', (event) => this.#textKey(event));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#active) this.#submitCommand();
      else this.#submitText();
    });
    form.addEventListener('focusout', (event) => {
      if (!form.contains(event.relatedTarget)) this.panel.hidden = true;
    });
    form.addEventListener('dragover', (event) => {
      if (!this.#fileField() || !event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      form.classList.add('dropping');
    });
    form.addEventListener('dragleave', (event) => {
      if (!form.contains(event.relatedTarget)) form.classList.remove('dropping');
    });
    form.addEventListener('drop', (event) => {
      form.classList.remove('dropping');
      const [file] = event.dataTransfer.files;
      const field = this.#fileField(event.target);
      if (!field || !file) return;
      event.preventDefault();
      field.choice.take(file);
    });
    form.addEventListener('focusin', (event) => {
      if (event.target === this.text) this.#textChanged();
      else this.panel.hidden = false;
    });
  }

  setCommands(commands) {
    this.#commands = flattenCommands(commands);
    if (this.#active) {
      const successor = this.#commands.find((command) => command.name === this.#active.command.name);
      if (!successor) {
        this.#leaveCommand('');
        this.#say('That command is no longer registered.');
      }
    } else if (document.activeElement === this.text) this.#textChanged();
  }

  /** Shows the composer of another channel or another person, with the draft that was left there. */
  setPlace(key, label, hint, writable) {
    if (this.#draftKey !== key) {
      if (this.#active) this.#leaveCommand('');
      if (this.#draftKey !== null) this.#drafts.set(this.#draftKey, this.text.value);
      this.#draftKey = key;
      this.text.value = this.#drafts.get(key) ?? '';
      this.setReply(null);
      this.#say('');
      this.#grow();
    }
    this.text.setAttribute('aria-label', label);
    this.text.placeholder = hint;
    this.text.disabled = !writable;
    this.slash.disabled = !writable;
    this.sendButton.disabled = !writable;
  }

  focus() {
    if (this.#active) (this.#active.focused ?? this.#active.fields[0])?.control.focus();
    else this.text.focus();
  }

  /** Begins to write a command, or types its name when none is registered under it. */
  begin(name) {
    const command = this.#commands.find((candidate) => candidate.name === name);
    if (this.#active) this.#leaveCommand('');
    if (command) {
      this.#enterCommand(command);
      return;
    }
    this.text.value = `/${name} `;
    this.text.focus();
    this.#textChanged();
  }

  /** The message the next one answers, as `{ id, name }`, or null. */
  setReply(reply) {
    this.#reply = reply;
    this.replyBar.hidden = !reply;
    this.replyBar.replaceChildren();
    if (!reply) return;
    this.replyBar.append(element('span', null, 'Replying to ', element('b', { text: reply.name })),
      element('button', { type: 'button', class: 'icon-button', 'aria-label': 'Stop replying', on: { click: () => { this.setReply(null); this.focus(); } } }, icon('close')));
    this.focus();
  }

  #say(text) {
    this.problem.textContent = text;
  }

  #grow() {
    this.text.style.height = 'auto';
    this.text.style.height = `${Math.min(this.text.scrollHeight, window.innerHeight * 0.4)}px`;
  }

  // Plain text

  #textChanged() {
    this.#grow();
    this.#say('');
    const typed = this.text.value;
    this.extra.replaceChildren();
    if (typed.startsWith('/') && !typed.includes('\n')) {
      this.#suggestCommands(typed.slice(1));
      return;
    }
    const before = typed.slice(0, this.text.selectionStart ?? typed.length);
    const mark = /(?:^|\s)([@#])([\p{L}\p{N}_. -]{0,32})$/u.exec(before);
    if (mark) this.#suggestMentions(mark[1], mark[2], before.length - mark[2].length - 1);
    else this.#hidePanel();
  }

  #hidePanel() {
    this.suggestions.show([], 'Suggestions');
    this.panel.hidden = true;
  }

  #suggestCommands(query) {
    const exact = /^(.*\S)\s+$/.exec(query)?.[1].replace(/\s+/g, ' ').toLowerCase();
    const complete = exact && this.#commands.find((command) => command.name === exact);
    if (complete && !this.#commands.some((command) => command.name.startsWith(`${exact} `))) {
      this.#enterCommand(complete);
      return;
    }
    const found = this.#commands
      .map((command) => ({ command, place: rank(command, query) }))
      .filter(({ place }) => place !== null)
      .sort((left, right) => left.place - right.place)
      .slice(0, MOST_SHOWN);
    this.head.replaceChildren(found.length ? `Commands of ${this.#host.botName()}`
      : this.#commands.length ? 'No command matches. Press Escape to write a message instead.' : 'No commands are registered.');
    this.suggestions.show(found.map(({ command }) => ({
      sign: '/', label: `/${command.name}`, detail: command.description, take: () => this.#enterCommand(command),
    })), 'Commands');
    this.panel.hidden = false;
  }

  #suggestMentions(sign, query, from) {
    const wanted = query.toLowerCase().trim();
    const put = (label, source) => {
      const { value } = this.text;
      const end = from + 1 + query.length;
      this.#mentions.set(label, source);
      this.text.value = `${value.slice(0, from)}${label} ${value.slice(end)}`;
      this.text.setSelectionRange(from + label.length + 1, from + label.length + 1);
      this.#hidePanel();
      this.#grow();
      this.text.focus();
    };
    const candidates = sign === '#'
      ? this.#host.channels().map((channel) => ({ label: `#${channel.name}`, source: `<#${channel.id}>` }))
      : [
        ...this.#host.members().map((member) => ({ label: `@${this.#host.memberName(member)}`, detail: member.user.username, source: `<@${member.user.id}>` })),
        ...this.#host.roles().map((role) => ({ label: `@${role.name}`, detail: 'Role', source: `<@&${role.id}>` })),
      ];
    const found = candidates.filter((candidate) => candidate.label.toLowerCase().slice(1).includes(wanted)
      || candidate.detail?.toLowerCase().startsWith(wanted)).slice(0, 10);
    if (!found.length) {
      this.#hidePanel();
      return;
    }
    this.head.replaceChildren(sign === '#' ? 'Channels' : 'Members and roles');
    this.suggestions.show(found.map((candidate) => ({ label: candidate.label, aside: candidate.detail, take: () => put(candidate.label, candidate.source) })), 'Mentions');
    this.panel.hidden = false;
  }

  #textKey(event) {
    if (event.isComposing) return;
    const open = !this.panel.hidden && this.suggestions.entries.length > 0;
    if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      this.suggestions.move(event.key === 'ArrowDown' ? 1 : -1);
    } else if (open && ((event.key === 'Enter' && !event.shiftKey) || (event.key === 'Tab' && !event.shiftKey))) {
      event.preventDefault();
      this.suggestions.current?.take();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.#submitText();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      if (!this.panel.hidden) {
        this.#hidePanel();
        if (this.text.value === '/') this.text.value = '';
      } else if (this.#reply) this.setReply(null);
    }
  }

  async #submitText() {
    const typed = this.text.value.trim();
    if (!typed) return;
    if (/^\/[a-z]/i.test(typed)) {
      this.#say('No command of that name is registered. Choose one from the list, or write a message that does not begin with a slash.');
      return;
    }
    let content = typed;
    for (const [label, source] of [...this.#mentions].sort(([left], [right]) => right.length - left.length)) content = content.replaceAll(label, source);
    if ([...content].length > LONGEST_MESSAGE) {
      this.#say(`This message has ${[...content].length} characters; at most ${LONGEST_MESSAGE} are allowed.`);
      return;
    }
    const reply = this.#reply;
    this.text.value = '';
    this.#hidePanel();
    this.#grow();
    this.setReply(null);
    this.#mentions.clear();
    try {
      await this.#host.send({ content, ...(reply ? { reply_to: reply.id } : {}) });
    } catch (error) {
      if (!this.text.value) this.text.value = typed;
      this.#grow();
      this.#say(error.message);
    }
  }

  // A command and its options

  #enterCommand(command) {
    this.text.hidden = true;
    this.commandForm.hidden = false;
    this.commandForm.setAttribute('aria-label', `/${command.name}`);
    this.#active = { command, fields: [], focused: null };
    this.#say('');
    this.suggestions.show([], 'Suggestions');
    const name = element('button', {
      type: 'button', class: 'command-name', 'aria-label': `/${command.name}, change the command`, text: `/${command.name}`,
      on: { click: () => this.#leaveCommand(`/${command.name.split(' ')[0]} `) },
    });
    this.commandForm.replaceChildren(name);
    this.form.classList.add('commanding');
    for (const option of command.options.filter((candidate) => candidate.required)) this.#addField(option);
    if (this.#active.fields.length) this.#active.fields[0].control.focus();
    else {
      // A command without required options is sent from here: Enter on the name would change the command.
      this.#active.rest = element('input', {
        class: 'command-rest', type: 'text', 'aria-label': `Press Enter to send /${command.name}`, readonly: true, inputmode: 'none',
        on: { keydown: (event) => this.#restKey(event), focus: () => { this.#active.focused = null; this.#showExtra(); } },
      });
      this.commandForm.append(this.#active.rest);
      this.#active.rest.focus();
    }
    this.#showExtra();
  }

  #leaveCommand(text) {
    for (const field of this.#active?.fields ?? []) clearTimeout(field.timer);
    this.#active = null;
    this.form.classList.remove('commanding');
    this.commandForm.hidden = true;
    this.commandForm.replaceChildren();
    this.text.hidden = false;
    this.text.value = text;
    this.extra.replaceChildren();
    this.#say('');
    this.#hidePanel();
    this.text.focus();
    this.text.setSelectionRange(text.length, text.length);
    this.#textChanged();
  }

  #restKey(event) {
    if (event.key === 'Escape' || event.key === 'Backspace') {
      event.preventDefault();
      this.#leaveCommand(`/${this.#active.command.name}`);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.#submitCommand();
    }
  }

  /** The field that a dropped file goes into: the one under it, or else the first that has none, or the first. */
  #fileField(target) {
    const fields = this.#active?.fields.filter((field) => field.choice) ?? [];
    return fields.find((field) => field.chip.contains(target ?? null)) ?? fields.find((field) => !field.choice.file) ?? fields[0];
  }

  #addFileField(option) {
    const active = this.#active;
    const problem = element('span', { class: 'option-problem', role: 'alert' });
    const choice = new FileChoice(option, (text) => {
      this.#mark(field, text);
      if (this.#active !== active) return;
      const next = choice.file && active.fields.find((other) => other.option.required && this.#isEmpty(other));
      (next ? next.control : choice.control).focus();
    });
    const { control } = choice;
    const chip = element('div', { class: 'option-chip', dataset: { option: option.name } }, choice.name, choice.value,
      option.required ? choice.clearButton : element('button', {
        type: 'button', class: 'option-remove', 'aria-label': `Remove ${option.name}`, on: { click: () => this.#removeField(field) },
      }, icon('close')),
      element('span', { class: 'visually-hidden', id: `option-note-${option.name}`, text: option.description }), problem);
    const field = { option, control, chip, lists: false, problem, picked: null, asked: 0, timer: 0, open: false, choice };
    control.addEventListener('focus', () => {
      active.focused = field;
      this.#showField(field, false);
    });
    control.addEventListener('keydown', (event) => this.#fileKey(field, event));
    this.#placeField(field);
    return field;
  }

  /** Enter opens the chooser until there is a file, and then sends; a file is taken away as a text is. */
  #fileKey(field, event) {
    if (event.key === 'Enter' && !field.choice.file) {
      event.preventDefault();
      field.control.click();
    } else if ((event.key === 'Backspace' || event.key === 'Delete') && field.choice.file) {
      event.preventDefault();
      field.choice.clear();
    } else this.#fieldKey(field, event);
  }

  #isEmpty(field) {
    return field.choice ? !field.choice.file : !field.control.value.trim();
  }

  #placeField(field) {
    const active = this.#active;
    active.fields.push(field);
    active.rest?.remove();
    active.rest = null;
    this.commandForm.append(field.chip);
  }

  #addField(option) {
    if (option.type === KIND.attachment) return this.#addFileField(option);
    const active = this.#active;
    const lists = Boolean(option.autocomplete || option.choices?.length || option.type === KIND.boolean || SNOWFLAKE_KINDS.includes(option.type));
    const numeric = option.type === KIND.integer || option.type === KIND.number;
    const noteId = `option-note-${option.name}`;
    const control = element('input', {
      type: 'text',
      // The sizer beside it gives the field the width of its text.
      size: '1',
      role: lists ? 'combobox' : null,
      'aria-autocomplete': lists ? 'list' : null,
      'aria-expanded': lists ? 'false' : null,
      'aria-haspopup': lists ? 'listbox' : null,
      'aria-controls': lists ? 'composer-suggestions' : null,
      'aria-label': option.name,
      'aria-required': String(Boolean(option.required)),
      'aria-describedby': noteId,
      inputmode: numeric ? (option.type === KIND.integer ? 'numeric' : 'decimal') : null,
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      enterkeyhint: 'send',
      dir: 'auto',
      class: 'option-input',
    });
    const sizer = element('span', { class: 'option-sizer', 'aria-hidden': 'true' });
    const problem = element('span', { class: 'option-problem', role: 'alert' });
    const chip = element('div', { class: 'option-chip', dataset: { option: option.name } },
      element('span', { class: 'option-name', 'aria-hidden': 'true', text: option.name }),
      element('span', { class: 'option-value' }, sizer, control),
      !option.required && element('button', {
        type: 'button', class: 'option-remove', 'aria-label': `Remove ${option.name}`, on: { click: () => this.#removeField(field) },
      }, icon('close')),
      element('span', { class: 'visually-hidden', id: noteId, text: option.description }), problem);
    const field = { option, control, chip, lists, problem, picked: null, asked: 0, timer: 0, sizer, open: false };
    control.addEventListener('focus', () => {
      active.focused = field;
      this.#showField(field, field.picked === null);
    });
    control.addEventListener('click', () => {
      if (!field.open) this.#showField(field, true);
    });
    control.addEventListener('input', () => {
      field.picked = null;
      this.#fit(field);
      this.#mark(field, '');
      this.#showField(field, true);
    });
    control.addEventListener('keydown', (event) => this.#fieldKey(field, event));
    // The chip's whole surface leads into its field.
    chip.addEventListener('click', (event) => {
      if (!event.target.closest('button')) control.focus();
    });
    this.#placeField(field);
    this.#fit(field);
    return field;
  }

  #fit(field) {
    field.sizer.textContent = field.control.value || ' ';
  }

  #removeField(field) {
    const active = this.#active;
    clearTimeout(field.timer);
    active.fields = active.fields.filter((other) => other !== field);
    field.chip.remove();
    if (active.fields.length) active.fields.at(-1).control.focus();
    else this.#enterCommand(active.command);
    this.#showExtra();
  }

  #showExtra() {
    const active = this.#active;
    if (!active) return;
    const used = new Set(active.fields.map((field) => field.option.name));
    const free = active.command.options.filter((option) => !used.has(option.name));
    this.extra.replaceChildren(...free.map((option) => element('button', {
      type: 'button', class: 'extra-option', title: option.description,
      on: {
        click: () => {
          this.#addField(option).control.focus();
          this.#showExtra();
        },
      },
    }, element('span', { class: 'extra-name', text: `+ ${option.name}` }), ' ', element('span', { class: 'extra-detail', text: option.description }))));
    if (!active.focused) {
      this.suggestions.show([], 'Suggestions');
      this.head.replaceChildren(element('b', { text: `/${active.command.name}` }), ` ${active.command.description}`);
    }
    this.panel.hidden = false;
  }

  /** Shows what may be written into a field, and its list when `listed`. */
  #showField(field, listed) {
    const { option } = field;
    this.head.replaceChildren(element('b', { text: option.name }), ` ${option.description}`,
      element('span', { class: 'panel-kind', text: option.required ? 'required' : 'optional' }));
    if (field.choice) this.head.append(element('span', { class: 'panel-note', text: `at most ${LARGEST_FILE}` }));
    this.panel.hidden = false;
    this.#showExtra();
    field.open = listed && field.lists;
    if (!field.open) {
      this.suggestions.show([], option.name);
      return;
    }
    if (option.autocomplete) {
      this.#askChoices(field);
      return;
    }
    const typed = field.control.value.toLowerCase().trim();
    const found = this.#fixedChoices(option).filter((choice) => choice.name.toLowerCase().includes(typed));
    this.#showChoices(field, found, 'No such choice.');
  }

  #fixedChoices(option) {
    const host = this.#host;
    const people = () => host.members().map((member) => ({ name: host.memberName(member), value: member.user.id, aside: member.user.username }));
    const roles = () => host.roles().map((role) => ({ name: role.name, value: role.id, aside: 'Role' }));
    switch (option.type) {
      case KIND.boolean: return [{ name: 'True', value: true }, { name: 'False', value: false }];
      case KIND.user: return people();
      case KIND.role: return roles();
      case KIND.mentionable: return [...people(), ...roles()];
      case KIND.channel: return host.channels()
        .filter((channel) => !option.channel_types?.length || option.channel_types.includes(channel.type))
        .map((channel) => ({ name: `#${channel.name}`, value: channel.id }));
      default: return option.choices ?? [];
    }
  }

  #showChoices(field, choices, none) {
    if (this.#active?.focused !== field || !field.open) return;
    this.suggestions.show(choices.slice(0, MOST_SHOWN).map((choice) => ({
      label: String(choice.name), aside: choice.aside, take: () => this.#pick(field, choice),
    })), field.option.name);
    if (!choices.length) {
      field.open = false;
      this.head.append(element('span', { class: 'panel-note', text: none }));
    }
  }

  #askChoices(field) {
    clearTimeout(field.timer);
    field.asked += 1;
    const question = field.asked;
    const { control, option } = field;
    const command = this.#active.command;
    this.suggestions.show([], option.name);
    this.head.append(element('span', { class: 'panel-note loading', text: 'Looking…' }));
    field.timer = setTimeout(async () => {
      if (this.#active?.focused !== field) return;
      let choices;
      try {
        ({ choices } = await this.#host.autocomplete({ command_id: command.id, name: command.root, options: nested(command.path, this.#values(field)) }));
      } catch {
        choices = null;
      }
      // Only the answer to the newest question counts.
      if (question !== field.asked || this.#active?.focused !== field || !control.isConnected) return;
      this.head.querySelector('.panel-note')?.remove();
      this.#showChoices(field, choices ?? [], choices ? 'Nothing matches.' : 'The choices could not be loaded.');
    }, AUTOCOMPLETE_PAUSE_MS);
  }

  #pick(field, choice) {
    field.picked = { name: String(choice.name), value: choice.value };
    field.control.value = String(choice.name);
    field.open = false;
    field.asked += 1;
    clearTimeout(field.timer);
    this.#fit(field);
    this.#mark(field, '');
    this.suggestions.show([], field.option.name);
    const next = this.#active.fields.find((other) => other.option.required && this.#isEmpty(other));
    if (next) next.control.focus();
    else this.#showField(field, false);
  }

  #fieldKey(field, event) {
    if (event.isComposing) return;
    const open = field.open && this.suggestions.entries.length > 0;
    if (field.lists && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      if (open) this.suggestions.move(event.key === 'ArrowDown' ? 1 : -1);
      else this.#showField(field, true);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (open) this.suggestions.current?.take();
      else this.#submitCommand();
    } else if (event.key === 'Tab' && !event.shiftKey && open && field.control.value) {
      event.preventDefault();
      this.suggestions.current?.take();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      if (field.open) {
        field.open = false;
        field.asked += 1;
        clearTimeout(field.timer);
        this.head.querySelector('.panel-note')?.remove();
        this.suggestions.show([], field.option.name);
      } else if (!field.option.required) this.#removeField(field);
      else this.#leaveCommand(`/${this.#active.command.name}`);
    } else if (event.key === 'Backspace' && !field.control.value) {
      event.preventDefault();
      const before = this.#active.fields[this.#active.fields.indexOf(field) - 1];
      if (!field.option.required) this.#removeField(field);
      else if (before) before.control.focus();
      else this.#leaveCommand(`/${this.#active.command.name}`);
    }
  }

  #mark(field, text) {
    field.problem.textContent = text;
    field.control.setAttribute('aria-invalid', String(Boolean(text)));
    field.chip.classList.toggle('invalid', Boolean(text));
  }

  /** What is written in a field as the value of its option: `{ value }` or `{ problem }`. */
  #read(field) {
    const { option, control, picked } = field;
    if (picked) return { value: picked.value };
    const typed = option.type === KIND.string ? control.value : control.value.trim();
    if (option.type === KIND.integer || option.type === KIND.number) {
      const choice = option.choices?.find((candidate) => candidate.name === typed);
      const value = choice ? choice.value : Number(typed);
      if (Number.isNaN(value)) return { problem: 'Write a number.' };
      if (option.type === KIND.integer && !Number.isInteger(value)) return { problem: 'Write a whole number.' };
      if (option.choices?.length && !option.choices.some((candidate) => candidate.value === value)) return { problem: 'Choose one of the list.' };
      if (option.min_value !== undefined && value < option.min_value) return { problem: `At least ${option.min_value}.` };
      if (option.max_value !== undefined && value > option.max_value) return { problem: `At most ${option.max_value}.` };
      return { value };
    }
    if (option.choices?.length || option.type !== KIND.string) {
      const wanted = typed.toLowerCase().replace(/^[@#]/, '');
      const choice = this.#fixedChoices(option).find((candidate) => candidate.name.toLowerCase().replace(/^#/, '') === wanted || candidate.value === typed
        || candidate.aside === wanted);
      return choice ? { value: choice.value } : { problem: 'Choose one of the list.' };
    }
    const length = [...typed].length;
    if (option.min_length !== undefined && length < option.min_length) return { problem: `At least ${option.min_length} characters.` };
    if (option.max_length !== undefined && length > option.max_length) return { problem: `At most ${option.max_length} characters, not ${length}.` };
    return { value: typed };
  }

  /** The filled-in options; while one is being completed, that one goes along as it is typed, and no file does. */
  #values(focused) {
    let files = 0;
    return this.#active.fields.flatMap((field) => {
      const { name, type } = field.option;
      if (field.choice) {
        if (focused || !field.choice.file) return [];
        files += 1;
        return [{ type, name, value: String(files - 1) }];
      }
      if (field === focused) return [{ type, name, value: field.control.value, focused: true }];
      if (!field.control.value) return [];
      const { value } = this.#read(field);
      return value === undefined ? [] : [{ type, name, value }];
    });
  }

  /** The chosen files as they are now, in the order of their options; null when one cannot be read, which its field says. */
  async #files() {
    const chosen = this.#active.fields.filter((field) => field.choice?.file);
    const files = await Promise.all(chosen.map((field) => copyOf(field.choice.file)));
    const gone = chosen[files.indexOf(null)];
    if (!gone) return files;
    const { name } = gone.choice.file;
    gone.choice.take(null);
    this.#mark(gone, `${name} has changed or is gone. Choose it again.`);
    return null;
  }

  async #submitCommand() {
    const active = this.#active;
    if (active.sending) return;
    let wrong = null;
    for (const field of active.fields) {
      const missing = field.option.required ? 'This option is required.' : '';
      const problem = this.#isEmpty(field) ? missing : (!field.choice && this.#read(field).problem) || '';
      this.#mark(field, problem);
      if (problem) wrong ??= field;
    }
    if (wrong) {
      wrong.control.focus();
      return;
    }
    const { command } = active;
    active.sending = true;
    this.commandForm.classList.add('sending');
    try {
      const options = nested(command.path, this.#values(null));
      const files = await this.#files();
      if (!files) return;
      await this.#host.command({ command_id: command.id, name: command.root, options }, command.name, files);
      if (this.#active === active) this.#leaveCommand('');
    } catch (error) {
      this.#say(error.message);
    } finally {
      active.sending = false;
      this.commandForm.classList.remove('sending');
    }
  }
}
