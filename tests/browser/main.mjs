// Runs the scenarios one after another, or those whose names are given, and counts their steps.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Trial } from './trial.mjs';
import { Chat } from './chat.mjs';
import * as large from './scenarios/large.mjs';
import * as own from './scenarios/own.mjs';
import * as phone from './scenarios/phone.mjs';
import * as release from './scenarios/release.mjs';
import * as terminal from './scenarios/terminal.mjs';

const SCENARIOS = { release, phone, large, terminal, own };
const CHROMIUM_ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!SCENARIOS[name]) {
    console.error(`There is no scenario ${name}; there are ${Object.keys(SCENARIOS).join(', ')}.`);
    process.exit(2);
  }
}

let passed = 0;
let failed = 0;

/** What a scenario works with. It is undone in the reverse order, whatever happened. */
class Stage {
  #browser;
  #undo = [];
  #chats = [];

  constructor(browser) {
    this.#browser = browser;
  }

  /** Does one thing that a person would name. The first that fails ends the scenario. */
  async step(name, act) {
    try {
      const result = await act();
      this.#expectNoComplaint();
      passed += 1;
      console.log(`  ok    ${name}`);
      return result;
    } catch (error) {
      failed += 1;
      console.log(`  FAIL  ${name}`);
      throw error;
    }
  }

  /** A directory of its own, gone at the end. */
  async directory() {
    const directory = await mkdtemp(join(tmpdir(), 'holdpoint-browser-'));
    this.#undo.push(() => rm(directory, { recursive: true, force: true }));
    return directory;
  }

  /** Starts `holdpoint try` with these arguments. */
  start(...argumentsOfTry) {
    const trial = Trial.start(...argumentsOfTry);
    this.#undo.push(() => trial.dispose());
    return trial;
  }

  /** Opens the page of a trial on a device. */
  async open(trial, device) {
    const chat = await Chat.open(this.#browser, await trial.address(), device);
    this.#chats.push(chat);
    this.#undo.push(() => chat.close());
    return chat;
  }

  /** What the pages looked like when it went wrong. */
  async keepWhatWasSeen(scenario) {
    for (const [index, chat] of this.#chats.entries()) await chat.picture(`failed-${scenario}-${index}`).catch(() => {});
  }

  #expectNoComplaint() {
    const complaints = this.#chats.flatMap((chat) => chat.complaints);
    if (complaints.length) throw new Error(`the browser complains:\n${complaints.join('\n')}`);
  }

  async clear() {
    for (const undo of this.#undo.reverse()) await undo();
  }
}

await mkdir(process.env.HOLDPOINT_PICTURES, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: CHROMIUM_ARGUMENTS });
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (wanted.length && !wanted.includes(name)) continue;
  console.log(scenario.title);
  const stage = new Stage(browser);
  const before = failed;
  try {
    await scenario.play(stage);
  } catch (error) {
    // What went wrong between two steps counts, too.
    if (failed === before) failed += 1;
    console.log(`        ${String(error.stack ?? error).replaceAll('\n', '\n        ')}`);
    await stage.keepWhatWasSeen(name);
  } finally {
    await stage.clear();
  }
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
