import { expect, test } from 'vitest'
import { driftLines } from '../../cli/drift-text.ts'
import { unpinnedPackage } from '../../cli/lock/launcher.ts'
import { serverOf } from '../helpers/group.ts'

const run = (command: string, ...args: string[]) =>
  serverOf('s', { transport: { kind: 'stdio', command, args, env: {}, cwd: '/' } })

test.each([
  ['npx', ['-y', 'some-server'], 'some-server'],
  ['npx', ['-y', '@scope/server'], '@scope/server'],
  ['npx', ['-y', '@scope/server@latest'], '@scope/server@latest'],
  ['npx', ['-y', 'some-server@^1.2.3'], 'some-server@^1.2.3'],
  ['/usr/bin/npx', ['--package', 'some-server', 'program'], 'some-server'],
  ['npx.cmd', ['--package=some-server', 'program'], 'some-server'],
  ['pnpm', ['dlx', 'some-server'], 'some-server'],
  ['uvx', ['mcp-server-git'], 'mcp-server-git'],
  ['uvx', ['--from', 'git+https://example.com/x', 'x'], 'git+https://example.com/x'],
  ['uv', ['tool', 'run', 'mcp-server-git'], 'mcp-server-git'],
] as const)('S-22: %s %j runs whatever is newest', (command, args, expected) => {
  expect(unpinnedPackage(run(command, ...args))).toBe(expected)
})

test.each([
  ['npx', ['-y', 'some-server@1.2.3']],
  ['npx', ['-y', '@scope/server@1.2.3']],
  ['npx', ['./server']],
  ['uvx', ['mcp-server-git==1.2.3']],
  ['uvx', ['--from', 'git+https://example.com/x#0123456789', 'x']],
  ['pnpm', ['exec', 'some-server']],
  ['node', ['server.js']],
] as const)('S-22: %s %j names what it runs', (command, args) => {
  expect(unpinnedPackage(run(command, ...args))).toBeUndefined()
})

test('S-22: a remote server runs nothing here', () => {
  expect(unpinnedPackage(serverOf('s'))).toBeUndefined()
})

test('what a server wrote cannot steer the terminal that shows how it drifted', () => {
  const drift = {
    group: 'local',
    server: 's',
    kind: 'tools',
    name: 'a\u001b[2Jb',
    change: 'changed',
    blocked: true,
    fields: ['description'],
    flags: [],
    diff: ['- description: "x"', '+ description: "\u001b]0;gone\u0007\u202ey"'],
  } as const
  const lines = driftLines(drift, (_style, text) => text)
  expect(lines.join('\n')).not.toMatch(/\p{Cc}(?<!\n)|\u202e/u)
  expect(lines[0]).toContain('changed (description), blocked')
})
