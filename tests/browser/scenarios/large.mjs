// A checklist of more than 200 items, walked on a phone.

import assert from 'node:assert/strict';
import { PHONE } from '../chat.mjs';

export const title = 'A checklist of over 200 items, on a phone';

export async function play(stage) {
  const trial = stage.start();
  const chat = await stage.open(trial, PHONE);
  let board;

  await stage.step('it is started', async () => {
    await chat.command('deploy start', { checklist: 'production-booking', version: '1.0.0', environment: 'production' });
    await chat.enterThreadOf(await chat.message('started Production release of the booking platform'));
    board = chat.board();
    await board.waitFor();
    await chat.fitsItsWidth();
    await chat.showTop(board);
    await chat.picture('30-large-board');
  });

  await stage.step('all its items are paged through, from the first to the last and back', async () => {
    await chat.choose(board, /section/i, 'All items');
    const items = chat.messages(/Page \d+ of \d+/).last();
    await items.waitFor();
    const pages = Number(/Page 1 of (\d+)/.exec(await items.innerText())[1]);
    assert.ok(pages > 10, `${pages} pages`);
    const seen = new Set();
    for (let page = 1; page <= pages; page += 1) {
      await chat.sees(items, `Page ${page} of ${pages}`);
      for (const [id] of (await items.innerText()).matchAll(/^\s*(?:⤷ )?[☐✅🔒] ([\d.]+)/gmu)) seen.add(id);
      await chat.fitsItsWidth();
      if (page < pages) await chat.press(items, 'Next →');
    }
    assert.ok(seen.size > 200, `${seen.size} items were shown`);
    await chat.press(items, '← Previous');
    await chat.sees(items, `Page ${pages - 1} of ${pages}`);
    await chat.picture('31-large-page');
  });

  await stage.step('an item is found in its section and ticked', async () => {
    await chat.choose(board, /section/i, /^1/);
    const items = chat.messages(/Page 1 of/).last();
    const before = Number(/(\d+) of \d+ items? closed|(\d+) of/.exec(await items.innerText())[1] ?? 0);
    assert.ok(before >= 0);
    await chat.choose(items, 'Open an item', /☐/);
    const card = chat.messages('Only you can see this').last();
    await card.getByRole('button', { name: 'Tick', exact: true }).waitFor();
    await chat.picture('32-large-item');
    await chat.press(card, 'Tick');
    await chat.message(/✅.*in /);
    await chat.picture('33-large-ticked');
  });

  await stage.step('an item is found by its words', async () => {
    await chat.command('deploy tick', { item: 'Stripe' });
    await chat.message('used /deploy tick');
    await chat.picture('34-large-found');
  });

  await stage.step('Ctrl-C ends it cleanly', async () => assert.equal(await trial.interrupt(), 0));
}
