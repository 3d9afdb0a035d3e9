// A team brings its own checklist, and somebody attests what no machine sees.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DESKTOP, PHONE } from '../chat.mjs';

export const title = 'A checklist of one\'s own';

const CHECKLIST = `---
title: Ferry release
checks:
  inside:
    http: { url: "http://127.0.0.1:9/" }
    pass: status == 200
  restored: { manual: { evidence: required } }
---
# Ferry release

- [ ] The service answers <!-- check: inside -->
- [ ] The backup was restored <!-- check: restored -->
- [ ] The crew knows
`;

export async function play(stage) {
  const directory = await stage.directory();
  const file = join(directory, 'ferry.md');
  await writeFile(file, CHECKLIST);
  const trial = stage.start();
  const chat = await stage.open(trial, DESKTOP);

  await stage.step('a checklist with a mistake is not imported, and says where the mistake is', async () => {
    const wrong = join(directory, 'wrong.md');
    await writeFile(wrong, CHECKLIST.replace('pass:', 'passes:'));
    await chat.become('Mara');
    await chat.command('checklist import', { file: { path: wrong } });
    const told = await chat.message('was not imported: it has 1 error');
    await chat.sees(told, 'There is no key');
  });

  await stage.step('a checklist is imported from a file', async () => {
    await chat.command('checklist import', { file: { path: file } });
    const told = await chat.message('ferry is imported: Ferry release · 3 items, 2 checks, 0 sign-offs');
    await chat.sees(told, 'Its checks reach public addresses only');
    await chat.showTop(told);
    await chat.picture('50-imported');
  });

  await stage.step('it is started, and its checks reach nothing that is not public', async () => {
    await chat.command('deploy start', { checklist: 'ferry', version: '1.0', environment: 'production' });
    await chat.enterThreadOf(await chat.message('Ferry release'));
    await chat.command('deploy check');
    const checked = await chat.message('could not be run');
    await chat.sees(checked, 'the address 127.0.0.1 is not public');
    await chat.sees(checked, 'nobody has attested it');
    await chat.showTop(checked);
    await chat.picture('51-imported-checks');
  });

  await stage.step('on a phone, a form asks for the evidence of what is attested', async () => {
    const phone = await stage.open(trial, PHONE);
    await phone.enter('#1 ');
    await phone.become('Theo');
    await phone.press(phone.board(), 'Tick 2');
    await phone.picture('52-evidence');
    await phone.submit('Restored to the spare machine at noon');
    await phone.message('Attested restored: Restored to the spare machine at noon');
    await phone.fitsItsWidth();
    await phone.picture('53-attested');
  });

  await stage.step('a button is pressed though the board changes before it is released', async () => {
    const phone = await stage.open(trial, PHONE);
    await phone.enter('#1 ');
    await phone.become('Theo');
    const board = chat.board();
    await chat.pressWhile(board, 'Tick 3', async () => {
      await phone.command('deploy skip', { item: 'The service answers', reason: 'It is not reached from here' });
      await phone.sees(phone.board(), '2/3');
    });
    await chat.sees(board, '3/3');
  });

  await stage.step('the report says who attested it', async () => {
    await chat.command('deploy report');
    const report = await chat.attached(await chat.message('Deployment #1 as it stands'));
    assert.match(report, /attested by @?Theo on .*: Restored to the spare machine at noon/);
  });
}
