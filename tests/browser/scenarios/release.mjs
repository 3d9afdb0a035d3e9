// The main job, from the first command to the report, as five people play it at a desk.

import assert from 'node:assert/strict';
import { DESKTOP } from '../chat.mjs';

export const title = 'A release, from the first command to the report';

export async function play(stage) {
  const trial = stage.start('--data', await stage.directory());
  const chat = await stage.open(trial, DESKTOP);

  await stage.step('a newcomer sees what to type', async () => {
    assert.equal(await chat.hint(), 'Type /deploy start or a message');
    assert.match(await chat.text(), /You are Mara.*friday-release/s);
    await chat.picture('01-welcome');
  });

  await stage.step('Mara starts the checklist, with what is offered as she types', async () => {
    await chat.command('deploy start', { checklist: 'friday', version: '2.4.1', environment: 'production' });
    await chat.message('Deployment #1 started');
    await chat.picture('02-started');
    await chat.enterThreadOf(await chat.message('started Friday release'));
  });

  const board = chat.board();
  await stage.step('the thread has the board, pinned', async () => {
    await chat.sees(board, '0/16');
    await chat.sees(board, 'Next: 1.1 Release notes are written');
    assert.match(await chat.pinned(), /Friday release · 2\.4\.1 → production/);
    await chat.picture('03-board');
  });

  const table = await stage.step('the checks run; one fails, with what was seen beside what was expected', async () => {
    await chat.command('deploy check');
    const message = await chat.message('5 checks: ✅ 4 passed · ❌ 1 failed');
    await chat.sees(message, /health for 2\.1: status is 503, expected 200/);
    await chat.picture('04-checks');
    return message;
  });

  await stage.step('what failed is mended and run again, and its items are ticked', async () => {
    await chat.turn('Demo database');
    await chat.press(table, 'Run failed again');
    await chat.message('The check passed');
    await chat.sees(board, '6/6 ✓ Checks');
    await chat.picture('05-mended');
  });

  await stage.step('an item is ticked by a command', async () => {
    await chat.command('deploy tick', { item: 'Release notes' });
    await chat.sees(await chat.message('used /deploy tick'), '1/4 in Before');
    await chat.sees(board, 'Next: 1.2');
  });

  await stage.step('an item is ticked by a button of the board', async () => {
    await chat.press(board, 'Tick 1.2');
    await chat.sees(board, 'Next: 1.3.1');
  });

  await stage.step('an item is found by the menus and ticked', async () => {
    await chat.choose(board, 'Look at a section', 'Before');
    const items = await chat.message('Page 1 of 1');
    await chat.picture('06-section');
    await chat.choose(items, 'Open an item', 'of the database');
    const card = chat.messages('Only you can see this').last();
    await chat.sees(card, 'of the database');
    await chat.picture('07-item');
    await chat.press(card, 'Tick');
    await chat.sees(board, '4/4 ✓ Before');
  });

  await stage.step('three roles are asked to sign, each on a card', async () => {
    for (const [name, role] of [['Theo', 'Tech Lead'], ['Quinn', 'QA Lead'], ['Petra', 'Product Owner']]) {
      await chat.message(`@${name} please sign as ${role}`);
    }
    await chat.picture('08-cards');
  });

  await stage.step('after half an hour, Dana sees that she is asked as the deputy', async () => {
    await chat.advance('+30 min');
    await chat.become('Dana');
    const ping = await chat.ping(/Tech Lead has not signed/);
    await chat.sees(ping, '@Dana');
    await chat.picture('09-deputy');
  });

  await stage.step('the reaction of somebody who does not hold the role is answered, not counted', async () => {
    await chat.become('Mara');
    const card = chat.messages('please sign as Tech Lead').first();
    await chat.react(card, '✅');
    await chat.message(/Mara.*Tech Lead/);
    await chat.picture('10-not-hers');
    await chat.sees(card, 'please sign as Tech Lead');
  });

  for (const [name, role] of [['Theo', 'Tech Lead'], ['Quinn', 'QA Lead'], ['Petra', 'Product Owner']]) {
    await stage.step(`${name} signs as ${role}`, async () => {
      await chat.become(name);
      const card = chat.messages(`Sign-off · ${role}`).first();
      await chat.sees(card, 'please sign');
      await chat.react(card, '✅');
      await chat.sees(card, `Approved by @${name}`);
      if (name === 'Theo') await chat.picture('11-signed');
    });
  }

  await stage.step('Mara is told that everything is ready, and decides GO', async () => {
    await chat.become('Mara');
    await chat.ping(/everything that GO waits for is done/);
    await chat.sees(board, 'Ready for GO');
    await chat.picture('12-ready');
    await chat.command('deploy go');
    await chat.message(/GO for Friday release/);
    await chat.sees(board, 'GO by @Mara');
  });

  await stage.step('what is left is done', async () => {
    await chat.press(board, 'Tick 4.1');
    await chat.sees(board, 'Next: 4.2');
    await chat.press(board, 'Tick 4.2');
    await chat.sees(board, '2/2 ✓ Release');
    await chat.command('deploy fill', { blank: 'Released by', value: 'Mara Lindqvist' });
    await chat.message('Mara Lindqvist');
    await chat.picture('13-done');
  });

  await stage.step('the end brings the document back, filled in', async () => {
    await chat.command('deploy finish', { outcome: 'complete' });
    const end = await chat.message('The checklist is attached, filled in');
    await chat.picture('14-finished');
    const report = await chat.attached(end);
    for (const expected of [
      /^- \[x\] Release notes are written/m, /^- \[x\] The service is healthy/m, /^- \[x\] Tech Lead: .*Theo/m, /^- \[x\] QA Lead: .*Quinn/m,
      /^- \[x\] Product Owner: .*Petra/m, /\[x\] GO/, /^- \[x\] Watch the error rate/m, /^- \[ \] Switch the traffic back/m, /Mara Lindqvist/,
    ]) assert.match(report, expected);
  });

  await stage.step('Ctrl-C ends it cleanly', async () => {
    assert.equal(await trial.interrupt(), 0);
    assert.equal(trial.errors, '');
  });
}
