// Everything that opens above the page: dialogs with a form, menus to choose from, small popovers, toasts, a drawer.

import { element, formatTime, icon, markdown } from './markdown.js';

const FOCUSABLE = 'button:not([disabled]), input:not([disabled]), textarea:not([disabled]), select:not([disabled]), a[href], [tabindex="0"]';
const TOAST_MS = 8000;
const REQUESTS_EVERY_MS = 2000;
const NARROW = window.matchMedia('(max-width: 760px)');

/** Keeps the Tab key inside a container. */
function trapFocus(container, event) {
  if (event.key !== 'Tab') return;
  const stops = [...container.querySelectorAll(FOCUSABLE)].filter((node) => node.offsetParent !== null);
  if (!stops.length) return;
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement === edge || !container.contains(document.activeElement)) {
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  }
}

/** The text inputs of a modal, out of action rows or labels; text displays come along as prose. */
function modalParts(components) {
  return (components ?? []).flatMap((component) => {
    if (component.type === 1) return component.components.filter((child) => child.type === 4).map((input) => ({ input, label: input.label }));
    if (component.type === 18 && component.component?.type === 4) {
      return [{ input: component.component, label: component.label, description: component.description }];
    }
    if (component.type === 10) return [{ prose: component.content }];
    return [];
  });
}

function modalField({ input, label, description }, index) {
  const identifier = `modal-input-${index}`;
  const required = input.required ?? true;
  const least = input.min_length ?? 0;
  const most = input.max_length ?? 4000;
  const control = element(input.style === 2 ? 'textarea' : 'input', {
    id: identifier,
    class: 'modal-input',
    type: input.style === 2 ? null : 'text',
    rows: input.style === 2 ? '4' : null,
    placeholder: input.placeholder,
    'aria-required': String(required),
    'aria-describedby': `${identifier}-note`,
    autocomplete: 'off',
    dir: 'auto',
  });
  control.value = input.value ?? '';
  const counter = element('span', { class: 'modal-counter', 'aria-hidden': 'true' });
  const problem = element('span', { class: 'modal-problem', role: 'alert' });
  const count = () => {
    counter.textContent = `${[...control.value].length}/${most}`;
    counter.classList.toggle('over', [...control.value].length > most);
  };
  const check = () => {
    const length = [...control.value].length;
    let text = '';
    if (required && !control.value.trim()) text = 'This field is required.';
    else if (length > most) text = `This is ${length - most} characters too long; at most ${most} are allowed.`;
    else if (length && length < least) text = `Write at least ${least} characters.`;
    problem.textContent = text;
    control.setAttribute('aria-invalid', String(Boolean(text)));
    return !text;
  };
  control.addEventListener('input', () => {
    count();
    if (control.getAttribute('aria-invalid') === 'true') check();
  });
  count();
  const node = element('div', { class: 'modal-field' },
    element('label', { for: identifier }, label ?? input.custom_id, required && element('span', { class: 'required', 'aria-hidden': 'true', text: ' *' })),
    description && element('p', { class: 'modal-description', text: description }),
    control,
    element('div', { class: 'modal-note', id: `${identifier}-note` }, problem, counter));
  return { node, control, check, customId: input.custom_id };
}

/**
 * Shows a modal of the bot's. `submit(components)` sends what was written and may reject with an error whose
 * message is then shown; the dialog stays open until it was accepted or cancelled.
 */
export function openModal({ title, components, from, context, submit }) {
  const before = document.activeElement;
  const fields = [];
  const body = modalParts(components).map((part, index) => {
    if (part.prose !== undefined) return element('div', { class: 'markup' }, markdown(part.prose, context));
    const field = modalField(part, index);
    fields.push(field);
    return field.node;
  });
  const failure = element('p', { class: 'modal-failure', role: 'alert' });
  const send = element('button', { type: 'submit', class: 'button primary', text: 'Submit' });
  const close = () => dialog.close();
  const form = element('form', { class: 'modal-form', novalidate: true, method: 'dialog' },
    element('header', { class: 'modal-head' },
      element('div', null,
        element('h2', { id: 'modal-title', text: title }),
        element('p', { class: 'modal-from', text: `This form goes to ${from}. Do not share passwords or other secrets.` })),
      element('button', { type: 'button', class: 'icon-button', 'aria-label': 'Close', on: { click: close } }, icon('close'))),
    element('div', { class: 'modal-body' }, body, failure),
    element('footer', { class: 'modal-foot' },
      element('button', { type: 'button', class: 'button secondary', text: 'Cancel', on: { click: close } }), send));
  const dialog = element('dialog', { class: 'modal', 'aria-labelledby': 'modal-title' }, form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const wrong = fields.filter((field) => !field.check());
    if (wrong.length) {
      wrong[0].control.focus();
      return;
    }
    send.disabled = true;
    failure.textContent = '';
    try {
      await submit(fields.map((field) => ({
        type: 1,
        components: [{ type: 4, custom_id: field.customId, value: field.control.value }],
      })));
      close();
    } catch (error) {
      failure.textContent = error.message;
      send.disabled = false;
    }
  });
  dialog.addEventListener('keydown', (event) => trapFocus(dialog, event));
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  fields[0]?.control.focus();
}

let openPopup = null;

/** Closes the menu or popover that is open, if one is. */
export function closePopup() {
  openPopup?.close();
}

/**
 * Opens a box beside its anchor, or at the bottom of a narrow screen. Escape and a press elsewhere close it;
 * the focus then returns to the anchor. Returns `{ node, close }`.
 */
export function openPopover(anchor, { label, role = 'dialog', className = '', onClose, onAway }, ...content) {
  if (openPopup) {
    const same = openPopup.anchor === anchor;
    openPopup.close();
    if (same) return null;
  }
  const node = element('div', { class: `popover ${className}`, role, 'aria-label': label, tabindex: '-1' }, content);
  const shade = element('div', { class: 'popover-shade' });
  const key = anchor.dataset.focus;
  const home = anchor.closest('[data-id]')?.dataset.id;

  const close = () => {
    if (openPopup?.node !== node) return;
    openPopup = null;
    const hadFocus = node.contains(document.activeElement) || document.activeElement === document.body;
    node.remove();
    shade.remove();
    document.removeEventListener('pointerdown', away, true);
    document.removeEventListener('keydown', escape, true);
    window.removeEventListener('resize', place);
    anchor.setAttribute('aria-expanded', 'false');
    if (hadFocus) {
      // The message may have been drawn anew in the meantime; then its successor takes the focus.
      const heir = anchor.isConnected || !home ? anchor
        : document.querySelector(`[data-id="${CSS.escape(home)}"] [data-focus="${CSS.escape(key ?? '')}"]`);
      heir?.focus({ preventScroll: true });
    }
    onClose?.();
  };
  const away = (event) => {
    if (node.contains(event.target) || anchor.contains(event.target)) return;
    if (onAway) onAway(close);
    else close();
  };
  const escape = (event) => {
    if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else trapFocus(node, event);
  };
  const place = () => {
    if (NARROW.matches) {
      node.style.inset = '';
      return;
    }
    const box = anchor.getBoundingClientRect();
    const size = node.getBoundingClientRect();
    const below = window.innerHeight - box.bottom - 12;
    const top = size.height <= below || below >= box.top ? box.bottom + 6 : Math.max(8, box.top - size.height - 6);
    const left = Math.min(Math.max(8, box.left), window.innerWidth - size.width - 8);
    node.style.left = `${Math.max(8, left)}px`;
    node.style.top = `${Math.min(top, Math.max(8, window.innerHeight - size.height - 8))}px`;
  };
  document.body.append(shade, node);
  anchor.setAttribute('aria-expanded', 'true');
  openPopup = { node, anchor, close };
  place();
  document.addEventListener('pointerdown', away, true);
  document.addEventListener('keydown', escape, true);
  window.addEventListener('resize', place);
  (node.querySelector('[data-first]') ?? node.querySelector(FOCUSABLE) ?? node).focus({ preventScroll: true });
  return { node, close };
}

/**
 * Lets a person choose between `least` and `most` of the options, each `{ value, label, description, emoji,
 * selected }`. `choose(values)` is called once, when the choice stands.
 */
export function openMenu(anchor, { label, options, least = 1, most = 1, choose }) {
  const several = most > 1;
  const chosen = new Set(options.filter((option) => option.selected).map((option) => option.value));
  const same = [...chosen].join('\n');
  const list = element('div', {
    class: 'menu-list', role: 'listbox', 'aria-label': label, 'aria-multiselectable': several ? 'true' : null,
  });
  let popover = null;
  const done = several && element('button', { type: 'button', class: 'button primary menu-done' });
  const standing = () => options.filter((option) => chosen.has(option.value)).map((option) => option.value);
  const commit = () => {
    popover?.close();
    choose(standing());
  };
  const nodes = options.map((option, index) => {
    const node = element('div', {
      class: 'menu-option', role: 'option', tabindex: index === 0 ? '0' : '-1', 'data-first': index === 0 && chosen.size === 0,
      'aria-selected': String(chosen.has(option.value)), dataset: { value: option.value },
    },
    option.emoji && element('span', { class: 'menu-emoji', text: option.emoji }),
    element('span', { class: 'menu-text' },
      element('span', { class: 'menu-label', text: option.label }),
      option.description && element('span', { class: 'menu-description', text: option.description })),
    element('span', { class: several ? 'menu-box' : 'menu-mark' }, icon('check')));
    node.addEventListener('click', () => pick(index));
    list.append(node);
    return node;
  });
  nodes.find((node) => node.getAttribute('aria-selected') === 'true')?.setAttribute('data-first', '');

  function refresh() {
    nodes.forEach((node, index) => {
      const on = chosen.has(options[index].value);
      node.setAttribute('aria-selected', String(on));
      if (several) node.setAttribute('aria-disabled', String(!on && chosen.size >= most));
    });
    if (done) {
      done.textContent = chosen.size < least ? `Choose at least ${least}` : `Done (${chosen.size})`;
      done.disabled = chosen.size < least;
    }
  }
  function pick(index) {
    const { value } = options[index];
    if (!several) {
      const repeated = chosen.has(value);
      chosen.clear();
      if (!(repeated && least === 0)) chosen.add(value);
      commit();
      return;
    }
    if (chosen.has(value)) chosen.delete(value);
    else if (chosen.size < most) chosen.add(value);
    refresh();
  }
  let typed = '';
  let typedAt = 0;
  list.addEventListener('keydown', (event) => {
    const at = nodes.indexOf(document.activeElement);
    const move = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: nodes.length - 1 }[event.key];
    if (move !== undefined) {
      event.preventDefault();
      nodes[(move + nodes.length) % nodes.length]?.focus();
    } else if ((event.key === 'Enter' || event.key === ' ') && at >= 0) {
      event.preventDefault();
      pick(at);
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      typed = event.timeStamp - typedAt > 800 ? event.key : typed + event.key;
      typedAt = event.timeStamp;
      nodes[options.findIndex((option) => option.label.toLowerCase().startsWith(typed.toLowerCase()))]?.focus();
    }
  });
  if (done) done.addEventListener('click', commit);
  refresh();
  popover = openPopover(anchor, {
    label,
    role: 'group',
    className: 'menu',
    // Discord takes a choice of several when the menu is left.
    onAway: (close) => (several && chosen.size >= least && standing().join('\n') !== same ? commit() : close()),
  }, list, done);
}

/** Asks beside the anchor for an amount of time; `choose(milliseconds)` gets it. */
export function openAmount(anchor, choose) {
  const amount = element('input', { id: 'advance-amount', type: 'number', min: '1', max: '10000', value: '2', inputmode: 'numeric', 'data-first': true });
  const unit = element('select', { id: 'advance-unit' },
    [['Minutes', 60_000], ['Hours', 3_600_000], ['Days', 86_400_000]].map(([name, size]) => element('option', { value: String(size), text: name })));
  unit.value = '3600000';
  const popover = openPopover(anchor, { label: 'Advance the clock', className: 'advance' },
    element('form', {
      class: 'advance-form', on: {
        submit: (event) => {
          event.preventDefault();
          const milliseconds = Math.round(Number(amount.value) * Number(unit.value));
          if (!(milliseconds > 0)) {
            amount.setAttribute('aria-invalid', 'true');
            amount.focus();
            return;
          }
          popover.close();
          choose(milliseconds);
        },
      },
    },
    element('div', { class: 'advance-part' }, element('label', { for: 'advance-amount', text: 'Amount' }), amount),
    element('div', { class: 'advance-part' }, element('label', { for: 'advance-unit', text: 'Unit' }), unit),
    element('button', { type: 'submit', class: 'button primary', text: 'Advance' })));
}

/**
 * Shows a line for a moment at the page's edge, with a button that does `act` when it has a `label`. Of several
 * about the same thing, such as a channel's id, only the first is shown.
 */
export function toast(content, act, label, about = '') {
  const toasts = document.getElementById('toasts');
  const close = () => node.remove();
  if (about && [...toasts.children].some((other) => other.dataset.about === about)) return;
  const node = element('div', { class: 'toast', dataset: { about } },
    element('div', { class: 'toast-text' }, content),
    act && element('button', { type: 'button', class: 'button primary', text: label, on: { click: () => { act(); close(); } } }),
    element('button', { type: 'button', class: 'icon-button', 'aria-label': 'Close', on: { click: close } }, icon('close')));
  toasts.append(node);
  while (toasts.children.length > 3) toasts.firstElementChild.remove();
  let timer = setTimeout(close, TOAST_MS);
  node.addEventListener('pointerenter', () => clearTimeout(timer));
  node.addEventListener('pointerleave', () => { timer = setTimeout(close, TOAST_MS); });
}

/** The drawer with the bot's newest requests. `fetch()` gets them, `now()` is the present moment in milliseconds. */
export class RequestsDrawer {
  #timer = 0;
  #shown = '';

  constructor({ drawer, list, button, close, fetch, now }) {
    Object.assign(this, { drawer, list, button, close, fetch, now });
    button.addEventListener('click', () => this.show(drawer.hidden));
    close.addEventListener('click', () => this.show(false));
  }

  show(open) {
    this.drawer.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
    this.#shown = '';
    if (open) {
      this.#refresh();
      this.close.focus();
    } else this.button.focus();
  }

  async #refresh() {
    clearTimeout(this.#timer);
    if (this.drawer.hidden) return;
    try {
      const requests = await this.fetch();
      const signature = JSON.stringify([requests.length, requests[0], requests.at(-1)]);
      if (signature !== this.#shown) {
        this.#shown = signature;
        this.#draw(requests);
      }
    } catch (error) {
      this.list.replaceChildren(element('p', { class: 'requests-none', text: error.message }));
    }
    if (!this.drawer.hidden) this.#timer = setTimeout(() => this.#refresh(), REQUESTS_EVERY_MS);
  }

  #draw(requests) {
    const { list } = this;
    // An opened body must not vanish under the reader.
    if (list.querySelector('details[open]')) return;
    const newest = [...requests].sort((left, right) => Date.parse(right.at) - Date.parse(left.at));
    list.replaceChildren(...(newest.length ? newest.map((request) => {
      const line = [
        element('span', { class: `method ${request.method.toLowerCase()}`, text: request.method }),
        element('span', { class: 'request-path', text: request.path }),
        element('span', { class: request.status && request.status < 400 ? 'status' : 'status bad', text: request.status ? String(request.status) : 'cut', title: request.status ? null : 'The connection was cut.' }),
        element('span', { class: 'request-at', text: formatTime(Date.parse(request.at), 'T', this.now()) }),
      ];
      const hasBody = request.body !== null && request.body !== undefined && request.body !== '';
      return element('div', { role: 'listitem', class: 'request' }, hasBody
        ? element('details', null, element('summary', null, line), element('pre', { text: typeof request.body === 'string' ? request.body : JSON.stringify(request.body, null, 2) }))
        : element('div', { class: 'request-line' }, line));
    }) : [element('p', { class: 'requests-none', text: 'The bot has made no request yet.' })]));
  }
}

/** Takes away what toasts say about something the person has come to by themselves. */
export function dropToasts(about = null) {
  for (const node of document.querySelectorAll('.toast')) if (about === null || node.dataset.about === about) node.remove();
}
