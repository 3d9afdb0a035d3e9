// Files: how their size is written, and the field of a command's option that takes one.

import { element, icon } from './markdown.js';

const LARGEST_BYTES = 10 * 1024 * 1024;
/** The size of the largest file, as it is written. */
export const LARGEST_FILE = `${LARGEST_BYTES / 1024 / 1024} MB`;

export function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(2)} MB`;
}

/** A file with its content as it is now; null when it cannot be read any more. */
export async function copyOf(file) {
  try {
    return new File([await file.arrayBuffer()], file.name, { type: file.type });
  } catch {
    return null;
  }
}

/**
 * The file chooser of an option. Its `control` is a file input that lies unseen over the words beside it, so that the
 * keyboard, a press and assistive technology all meet the browser's own chooser. `changed(problem)` is called whenever
 * a file has been chosen, refused or taken away.
 */
export class FileChoice {
  file = null;
  #changed;

  constructor(option, changed) {
    this.#changed = changed;
    const wordsId = `option-file-${option.name}`;
    const nameId = `option-name-${option.name}`;
    this.name = element('span', { class: 'option-name', id: nameId, 'aria-hidden': 'true', text: option.name });
    this.words = element('span', { class: 'file-words', id: wordsId, 'aria-hidden': 'true' });
    this.control = element('input', {
      type: 'file', class: 'file-input', 'aria-labelledby': `${nameId} ${wordsId}`, 'aria-required': String(Boolean(option.required)),
      'aria-describedby': `option-note-${option.name}`,
    });
    this.value = element('span', { class: 'option-value file-value' }, this.words, this.control);
    this.clearButton = element('button', {
      type: 'button', class: 'option-remove', 'aria-label': `Remove the file of ${option.name}`, hidden: true, on: { click: () => this.clear() },
    }, icon('close'));
    this.control.addEventListener('change', () => this.take(this.control.files[0] ?? null));
    this.#show();
  }

  /** Takes a file, unless it is too large, in the place of the one before. */
  take(file) {
    const fits = !file || file.size <= LARGEST_BYTES;
    this.file = fits ? file : null;
    // The same file can be chosen again after it has been changed.
    this.control.value = '';
    this.#show();
    this.#changed(fits ? '' : `${file.name} is larger than ${LARGEST_FILE}. Choose a smaller file.`);
  }

  clear() {
    this.take(null);
    this.control.focus();
  }

  #show() {
    const { file } = this;
    this.words.replaceChildren(icon('file'), file
      ? element('span', { class: 'file-chosen', dir: 'auto', text: file.name }) : element('span', { text: 'Choose a file' }));
    if (file) this.words.append(' ', element('span', { class: 'file-size', text: fileSize(file.size) }));
    this.control.title = file ? `${file.name}: choose another file` : '';
    this.clearButton.hidden = !file;
  }
}
