// What an operator sees on the terminal, and what stays.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DESKTOP } from '../chat.mjs';

export const title = 'The terminal, and what is kept';

export async function play(stage) {
  const directory = await stage.directory();
  const checklist = join(directory, 'checklists', 'friday-release.md');

  const first = stage.start('--data', directory);
  await stage.step('the first lines say where to go and what to type', async () => {
    await first.address();
    assert.match(first.output, /^Holdpoint is ready to try at http:\/\/127\.0\.0\.1:\d+\/page\/$/m);
    assert.match(first.output, /Type \/deploy start, and choose friday-release/);
    assert.ok(first.output.split('\n').every((line) => line.length <= 130), first.output);
    assert.equal(first.errors, '');
  });

  await stage.step('a port in use is told in a sentence', async () => {
    const { port } = new URL(await first.address());
    const second = stage.start('--port', port);
    assert.notEqual(await second.ended(), 0);
    assert.equal(second.errors.trim(), `holdpoint: Port ${port} of 127.0.0.1 is in use by another program. Name another one with --port, `
      + 'or leave --port out and take one that is free.');
  });

  await stage.step('a directory in use is told in a sentence', async () => {
    const second = stage.start('--data', directory);
    assert.notEqual(await second.ended(), 0);
    assert.match(second.errors, /is in use by process \d+/);
  });

  await stage.step('what one trial did, the next one shows', async () => {
    const chat = await stage.open(first, DESKTOP);
    await chat.command('deploy start', { checklist: 'friday', version: '2.4.1', environment: 'production' });
    await chat.message('Deployment #1 started');
    await chat.advance('+8 h');
    await chat.close();
    assert.equal(await first.interrupt(), 0);
    await writeFile(checklist, `${await readFile(checklist, 'utf8')}\n- [ ] A line of one's own\n`);

    const second = stage.start('--data', directory);
    const again = await stage.open(second, DESKTOP);
    assert.match(second.output, /1 deployment is here from earlier tries, 1 still running: \/deploy list shows it/);
    assert.match(await readFile(checklist, 'utf8'), /A line of one's own/);
    await again.command('deploy list');
    await again.message(/Friday release · 2\.4\.1 → production/);
    await again.picture('40-kept');
    await again.command('deploy check', { deployment: '1' });
    await again.message('5 checks: ✅ 4 passed · ❌ 1 failed');
    await again.picture('41-kept-checks');
    assert.equal(await second.interrupt(), 0);
    assert.equal(second.errors, '');
  });
}
