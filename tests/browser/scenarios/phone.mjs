// A team member and a sign-off owner on a phone.

import assert from 'node:assert/strict';
import { PHONE } from '../chat.mjs';

export const title = 'A release on a phone';

export async function play(stage) {
  const trial = stage.start();
  const chat = await stage.open(trial, PHONE);

  await stage.step('the page greets, within the width of the screen', async () => {
    await chat.fitsItsWidth();
    await chat.picture('20-welcome');
  });

  await stage.step('a checklist is started from the welcome', async () => {
    await chat.turn('Demo database');
    await chat.begin('Type /deploy start for me', { checklist: 'friday', version: '2.4.1', environment: 'production' });
    await chat.picture('21-started');
    await chat.enterThreadOf(await chat.message('started Friday release'));
    await chat.fitsItsWidth();
  });

  const board = chat.board();
  await stage.step('the checks are run by the board’s button', async () => {
    await chat.press(board, 'Check');
    await chat.message('All 5 checks passed');
    await chat.sees(board, '6/6 ✓ Checks');
  });

  await stage.step('items are ticked by the board’s button', async () => {
    for (const item of ['1.1', '1.2', '1.3.1']) {
      await chat.press(board, `Tick ${item}`);
      await chat.message(new RegExp(`${item.replaceAll('.', '\\.')}.*in Before`, 's'));
    }
    await chat.picture('22-ticked');
    await chat.showTop(board);
    await chat.picture('23-board');
  });

  await stage.step('Theo signs', async () => {
    await chat.become('Theo');
    const card = await chat.ping(/Theo please sign as Tech Lead/);
    await chat.picture('24-card');
    await chat.react(card, '✅');
    await chat.sees(chat.messages('Sign-off · Tech Lead').first(), 'Approved by @Theo');
    await chat.picture('25-signed');
    await chat.fitsItsWidth();
  });

  await stage.step('Quinn rejects, and says why', async () => {
    await chat.become('Quinn');
    await chat.react(await chat.ping(/Quinn please sign as QA Lead/), '❌');
    await chat.press(await chat.ping(/Quinn you rejected as QA Lead/), 'Say why');
    await chat.picture('26-why');
    await chat.submit('The smoke test was not run on the phone');
    await chat.sees(chat.messages('Sign-off · QA Lead').first(), 'The smoke test was not run on the phone');
    await chat.picture('27-rejected');
  });

  await stage.step('Ctrl-C ends it cleanly', async () => assert.equal(await trial.interrupt(), 0));
}
