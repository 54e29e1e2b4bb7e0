import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diffConfigs } from '../../src/config/diff.js';
import { parseConfig } from '../../src/config/load.js';

const config = async (text: string) => (await parseConfig(text, '/x/ferrule.yaml', { files: 'ignore' })).config;

describe('what a new configuration changes', () => {
  it('The same text changes nothing', async () => {
    assert.deepEqual(diffConfigs(await config('log: {level: debug}'), await config('log: {level: debug}')), []);
  });

  it('A listener that is added, one that is removed, one that is changed', async () => {
    const before = await config('broker: {listeners: [{type: tcp, port: 1}, {type: ws, port: 2}]}');
    const after = await config('broker: {listeners: [{type: ws, port: 2, path: /x}, {type: tcp, port: 3}]}');
    assert.deepEqual(diffConfigs(before, after), [
      { part: 'broker.listeners', name: 'tcp::::1', kind: 'removed' },
      { part: 'broker.listeners', name: 'ws::::2', kind: 'changed' },
      { part: 'broker.listeners', name: 'tcp::::3', kind: 'added' },
    ]);
  });

  it('The order of a list of named things is no change', async () => {
    const before = await config('broker: {listeners: [{type: tcp, port: 1}, {type: ws, port: 2}]}');
    const after = await config('broker: {listeners: [{type: ws, port: 2}, {type: tcp, port: 1}]}');
    assert.deepEqual(diffConfigs(before, after), []);
  });

  it('The order of access rules is a change: the first match decides', async () => {
    const rules = ['{user: a, allow: [publish], topics: [x]}', '{user: b, deny: [publish], topics: [x]}'];
    const before = await config(`access: {rules: [${rules.join(', ')}]}`);
    const after = await config(`access: {rules: [${rules.reverse().join(', ')}]}`);
    assert.deepEqual(diffConfigs(before, after), [{ part: 'access', name: null, kind: 'changed' }]);
  });
});
