// The page as a person uses it: what they type, press and choose, and what they then see.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const PICTURES = process.env.HOLDPOINT_PICTURES;

/** How long what is awaited may take. Nothing takes a tenth of it on an idle machine. */
const PATIENCE_MS = 20_000;

/** How long what is aimed at may take to be hit, before it is aimed at again. */
const AIM_MS = 1000;

/** A window of 1280 by 800, and a phone of 390 by 844. */
export const DESKTOP = { name: 'desktop', viewport: { width: 1280, height: 800 } };
export const PHONE = { name: 'phone', viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** A person before a screen. */
export class Chat {
  #page;
  #device;
  /** What the browser complained about. */
  complaints = [];

  constructor(page, device) {
    this.#page = page;
    this.#device = device;
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.complaints.push(`page: ${error.stack ?? error}`));
    page.on('crash', () => this.complaints.push('the page crashed'));
  }

  /** Opens the trial's page on a device. */
  static async open(browser, address, device) {
    const context = await browser.newContext({
      viewport: device.viewport, hasTouch: device.hasTouch ?? false, isMobile: device.isMobile ?? false,
      deviceScaleFactor: device.isMobile ? 2 : 1, colorScheme: 'dark', locale: 'en-GB', timezoneId: 'Europe/Berlin',
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const chat = new Chat(await context.newPage(), device);
    await chat.#page.goto(address);
    await chat.#page.locator('.people-row[data-person], .people-row').first().waitFor({ state: 'attached' });
    return chat;
  }

  async close() {
    await this.#page.context().close();
  }

  // What is seen

  /** The messages that contain a text or match an expression, the newest last. */
  messages(text) {
    return this.#page.locator('#lines article', { hasText: text });
  }

  /** The newest message with this text, once it is there. */
  async message(text) {
    const found = this.messages(text).last();
    await found.waitFor();
    return found;
  }

  /** Waits until a message's text contains or matches what is expected. */
  async sees(message, text) {
    await message.filter({ hasText: text }).waitFor();
  }

  /** The board of the thread that is open. */
  board() {
    return this.#page.locator('#lines article', { has: this.#page.getByRole('button', { name: 'Log', exact: true }) }).first();
  }

  /** The newest message that is highlighted for whoever looks, and has this text. */
  async ping(text) {
    const found = this.#page.locator('#lines article.pinged', { hasText: text }).last();
    await found.waitFor();
    return found;
  }

  /** The text of the messages that are pinned here. */
  async pinned() {
    await this.#page.locator('#pins-button').click();
    const panel = this.#page.locator('.popover.pins');
    await panel.waitFor();
    const text = await panel.innerText();
    await this.#page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    return text;
  }

  /** Moves a message to the top of what is seen. */
  async showTop(message) {
    await message.evaluate((node) => node.scrollIntoView({ block: 'start' }));
  }

  /** The text of the page as a whole. */
  async text() {
    return this.#page.locator('body').innerText();
  }

  /** The name of the channel or thread that is open. */
  channel() {
    return this.#page.locator('#channel-name .channel-title').innerText();
  }

  /** What the composer says while it is empty. */
  hint() {
    return this.#page.locator('.composer-text').getAttribute('placeholder');
  }

  /** Keeps a picture in the dark look and in the light one. */
  async picture(name) {
    await mkdir(PICTURES, { recursive: true });
    for (const colorScheme of ['light', 'dark']) {
      await this.#page.emulateMedia({ colorScheme });
      await this.#page.locator(`html[data-theme="${colorScheme}"]`).waitFor();
      await this.#page.screenshot({ path: join(PICTURES, `${name}-${this.#device.name}-${colorScheme}.png`), animations: 'disabled' });
    }
  }

  /** Whether something reaches beyond the right edge of the screen. */
  async fitsItsWidth() {
    const { content, screen } = await this.#page.evaluate(() => ({ content: document.documentElement.scrollWidth, screen: window.innerWidth }));
    assert.ok(content <= screen, `the page is ${content} pixels wide on a screen of ${screen}`);
  }

  // What is done

  /** Becomes somebody else by the selection at the bottom. */
  async become(name) {
    const select = this.#page.locator('#viewer');
    const option = select.locator('option', { hasText: name });
    await option.waitFor({ state: 'attached' });
    await select.selectOption(await option.getAttribute('value'));
    await this.#page.locator('#person-name', { hasText: name }).waitFor();
    await this.#settled();
  }

  /** Opens a channel or a thread from the list of channels. */
  async enter(name) {
    const entry = this.#page.locator('#channels button.channel', { hasText: name }).first();
    await entry.waitFor({ state: 'attached' });
    if (!await entry.isVisible() || this.#device.isMobile) await this.#page.locator('#side-button').click();
    await entry.click();
    await this.#page.locator('#channel-name .channel-title', { hasText: name }).waitFor();
    await this.#settled();
  }

  /** Enters the thread that a message opened, by its card. */
  async enterThreadOf(message) {
    await message.locator('.thread-card').click();
    await this.#page.locator('#channel-name .crumb').waitFor();
    await this.#settled();
  }

  async #settled() {
    await this.#page.locator('#log[aria-busy="false"]').waitFor();
  }

  /**
   * Types a command with its options, as `{ name: text }`. What opens a list is taken from it: the entry that has the
   * text; a file is given as `{ path }`. Options that are not asked for by themselves are added from the panel.
   */
  async command(name, options = {}) {
    const page = this.#page;
    const composer = page.locator('.composer-text');
    await composer.click();
    await composer.pressSequentially(`/${name}`);
    await page.locator('#composer-suggestions [aria-selected="true"] .suggestion-label', { hasText: new RegExp(`^/${name}$`) }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.command-form').waitFor();
    await this.#send(options);
  }

  /** Presses the button of the welcome that begins a command, and goes on from there. */
  async begin(label, options) {
    await this.#page.locator('.welcome').getByRole('button', { name: label }).click();
    await this.#page.locator('.command-form').waitFor();
    await this.#send(options);
  }

  async #send(options) {
    for (const [option, value] of Object.entries(options)) await this.#fill(option, value);
    await this.#page.keyboard.press('Enter');
    await this.#page.locator('.command-form').waitFor({ state: 'hidden' });
  }

  async #fill(option, value) {
    const page = this.#page;
    if (value.path) {
      await page.locator(`.command-form .file-input[aria-labelledby~="option-name-${option}"]`).setInputFiles(value.path);
      return;
    }
    const field = page.locator(`.command-form .option-input[aria-label="${option}"]`);
    if (!await field.count()) await page.locator('.extra-option', { hasText: `+ ${option}` }).click();
    await field.click();
    await field.pressSequentially(value);
    if (await field.getAttribute('role') !== 'combobox') return;
    // A list that finds nothing takes the text as it is.
    const listed = page.locator('#composer-suggestions .suggestion', { hasText: value }).first();
    const none = page.locator('.panel-note', { hasText: 'Nothing matches.' });
    await listed.or(none).first().waitFor();
    if (await listed.isVisible()) await listed.click();
  }

  /** Writes a plain message. */
  async say(text) {
    const composer = this.#page.locator('.composer-text');
    await composer.click();
    await composer.pressSequentially(text);
    await this.#page.keyboard.press('Enter');
  }

  /** Presses a message's button. */
  async press(message, label) {
    await message.getByRole('button', { name: label, exact: typeof label === 'string' }).click();
  }

  /** Presses a message's button, and releases it only after something else was done. */
  async pressWhile(message, label, act) {
    await message.getByRole('button', { name: label, exact: true }).hover();
    await this.#page.mouse.down();
    await act();
    await this.#page.mouse.up();
  }

  /** Chooses from a message's menu the option with this text. */
  async choose(message, menu, option) {
    await message.getByRole('combobox', { name: menu }).click();
    await this.#page.locator('.menu .menu-option', { hasText: option }).first().click();
  }

  /** Reacts to a message: at a desk by the bar that shows on it, on a phone by the reaction that is offered under it. */
  async react(message, emoji) {
    if (this.#device.hasTouch) {
      await message.getByRole('button', { name: new RegExp(`^${emoji} \\d+ reaction`) }).click();
      return;
    }
    const quick = message.getByRole('button', { name: `React with ${emoji}`, exact: true });
    await this.#until(async () => {
      // High enough for the bar, low enough to be clear of the channel's name.
      await message.evaluate((node) => {
        const log = document.querySelector('#log');
        log.scrollBy(0, node.getBoundingClientRect().top - log.getBoundingClientRect().top - 100);
      });
      await message.locator('.message-body').hover({ position: { x: 20, y: 20 } });
      await quick.click({ timeout: AIM_MS });
    });
  }

  /** Does what a message that arrives can come between: whoever aims at something that has moved aims again. */
  async #until(act) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  }

  /** Writes into the form that has opened and sends it. */
  async submit(text) {
    await this.#page.locator('dialog.modal .modal-input').fill(text);
    await this.#page.locator('dialog.modal').getByRole('button', { name: 'Submit' }).click();
    await this.#page.locator('dialog.modal').waitFor({ state: 'detached' });
  }

  /** Moves the clock ahead by one of its buttons. */
  async advance(label) {
    await this.#inStage(async () => this.#page.getByRole('button', { name: `${label}, advance the clock` }).click());
  }

  /** Turns a switch of the stage. */
  async turn(label) {
    await this.#inStage(async () => {
      const lever = this.#page.getByRole('switch', { name: label });
      const before = await lever.getAttribute('aria-checked');
      await lever.click();
      await this.#page.locator(`.switch[aria-checked="${before === 'true' ? 'false' : 'true'}"]`, { hasText: label }).waitFor();
    });
  }

  async #inStage(act) {
    const drawer = this.#page.locator('#stage-button');
    const folded = await drawer.isVisible();
    if (folded) await drawer.click();
    await act();
    if (folded) await this.#page.keyboard.press('Escape');
  }

  /** The text of the file attached to a message. */
  async attached(message) {
    const address = await message.locator('.file-name').first().getAttribute('href');
    const response = await this.#page.request.get(address);
    assert.equal(response.status(), 200, `the file at ${address}`);
    return response.text();
  }
}
