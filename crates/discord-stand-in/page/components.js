// What is pressed: the buttons and selects under a message, and the switches of the host program.

import { element, icon, safeUrl } from './markdown.js';
import { openMenu } from './modal.js';

const BUTTON_STYLES = { 1: 'primary', 2: 'secondary', 3: 'success', 4: 'danger', 5: 'link' };
const LINK_BUTTON = 5;

const emojiText = (emoji) => (emoji ? (emoji.id ? `:${emoji.name}:` : emoji.name) : '');

function spinner() {
  return element('span', { class: 'dots', 'aria-hidden': 'true' }, element('i'), element('i'), element('i'));
}

/** `pending` names the component whose interaction is under way in this message; the rest then rest too. */
function button(component, pending, press) {
  const face = [
    component.emoji && element('span', { class: 'button-emoji', text: emojiText(component.emoji) }),
    component.label && element('span', { class: 'button-label', text: component.label }),
  ];
  const name = component.label ? null : emojiText(component.emoji);
  if (component.style === LINK_BUTTON) {
    const address = safeUrl(component.url);
    return element('a', {
      class: 'button secondary link', href: component.disabled ? null : address, target: '_blank', rel: 'noopener noreferrer',
      'aria-disabled': component.disabled || !address ? 'true' : null, 'aria-label': name,
    }, face, icon('link'));
  }
  const waiting = pending === component.custom_id;
  return element('button', {
    type: 'button',
    class: `button ${BUTTON_STYLES[component.style] ?? 'secondary'}${waiting ? ' waiting' : ''}`,
    disabled: Boolean(component.disabled),
    'aria-disabled': pending ? 'true' : null,
    'aria-busy': waiting ? 'true' : null,
    'aria-label': name,
    dataset: { focus: component.custom_id ?? '' },
    on: { click: () => { if (!pending) press(component, undefined); } },
  }, face, waiting && spinner());
}

/** What a select offers: its own options, or the guild's people, roles and channels. */
function selectOptions(component, guild) {
  const isDefault = (id) => (component.default_values ?? []).some((value) => value.id === id);
  const people = () => guild.members().map((member) => ({
    value: member.user.id, label: guild.memberName(member), description: member.user.bot ? 'App' : `@${member.user.username}`, emoji: '👤',
  }));
  const roles = () => guild.roles().map((role) => ({ value: role.id, label: role.name, emoji: '🏷️' }));
  const channels = () => guild.channels()
    .filter((channel) => !component.channel_types?.length || component.channel_types.includes(channel.type))
    .map((channel) => ({ value: channel.id, label: `#${channel.name}` }));
  const own = () => (component.options ?? []).map((option) => ({
    value: option.value, label: option.label, description: option.description, emoji: emojiText(option.emoji), selected: Boolean(option.default),
  }));
  const offered = { 3: own, 5: people, 6: roles, 7: () => [...people(), ...roles()], 8: channels }[component.type]?.() ?? [];
  return component.type === 3 ? offered : offered.map((option) => ({ ...option, selected: isDefault(option.value) }));
}

function select(component, pending, guild, press) {
  const options = selectOptions(component, guild);
  const chosen = options.filter((option) => option.selected);
  const least = component.min_values ?? 1;
  const most = Math.max(component.max_values ?? 1, 1);
  const waiting = pending === component.custom_id;
  const placeholder = component.placeholder || 'Make a selection';
  const node = element('button', {
    type: 'button',
    class: `select${waiting ? ' waiting' : ''}`,
    role: 'combobox',
    'aria-haspopup': 'listbox',
    'aria-expanded': 'false',
    'aria-label': chosen.length ? `${placeholder}: ${chosen.map((option) => option.label).join(', ')}` : placeholder,
    'aria-disabled': pending ? 'true' : null,
    'aria-busy': waiting ? 'true' : null,
    disabled: Boolean(component.disabled),
    dataset: { focus: component.custom_id },
  },
  element('span', { class: chosen.length ? 'select-value' : 'select-value placeholder' },
    chosen.length ? chosen.map((option) => `${option.emoji ? `${option.emoji} ` : ''}${option.label}`).join(', ') : placeholder),
  waiting ? spinner() : icon('down'));
  const open = () => {
    if (pending) return;
    openMenu(node, { label: placeholder, options, least, most, choose: (values) => press(component, values) });
  };
  node.addEventListener('click', open);
  node.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      open();
    }
  });
  return node;
}

/**
 * The rows of a message. `guild` answers `members()`, `roles()`, `channels()` and `memberName(member)`;
 * `press(component, values)` starts the interaction, with values for a select only.
 */
export function componentRows(rows, { pending, guild, press }) {
  return element('div', { class: 'components' }, (rows ?? []).filter((row) => row.type === 1).map((row) =>
    element('div', { class: 'component-row' }, row.components.map((component) =>
      (component.type === 2 ? button(component, pending, press) : select(component, pending, guild, press))))));
}

/** A toggle of the host program's; `turn(on)` asks for its other position. */
export function switchButton({ id, label, on, on_text: onText, off_text: offText }, turn) {
  const text = on ? onText : offText;
  const node = element('button', {
    type: 'button', role: 'switch', class: 'switch', 'aria-checked': String(on), dataset: { switch: id }, on: {
      click: () => {
        if (node.getAttribute('aria-busy')) return;
        node.setAttribute('aria-busy', 'true');
        turn(!on);
      },
    },
  }, element('span', { class: 'switch-track', 'aria-hidden': 'true' }), element('span', { class: 'switch-label', text: label }), ' ',
  text && element('span', { class: 'switch-text', text }));
  return node;
}
