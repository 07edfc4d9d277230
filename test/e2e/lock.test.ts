import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DriftEvent } from '../../src/control/protocol.ts'
import { freePort } from '../helpers/ports.ts'
import { makeProject, type Project, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

const tool = (name: string, description: string) => ({ name, description, inputSchema: { type: 'object' } })
const said = {
  instructions: 'Be kind.',
  tools: [tool('read', 'Reads'), tool('write', 'Writes')],
  prompts: [{ name: 'p' }],
}
const changed = {
  ...said,
  tools: [tool('read', 'Reads\u200b it'), tool('write', 'Writes all'), tool('erase', 'Erases')],
}

async function project(more = ''): Promise<Project & { port: number }> {
  const port = await freePort()
  const made = await makeProject({ 'said.json': JSON.stringify(said) })
  const file = join(made.folder, 'said.json')
  const drifting = stdioServer('drifting', [file]).replace(
    '}',
    ', integrity: enforce, tools: { rename: { read: look } } }',
  )
  await made.temp.write({
    'mcpctl.yaml': `version: 1
servers:
  files: ${drifting}
  other: ${stdioServer('echo')}
  gone: { command: ./no-such-program }
profiles:
  dev:
    groups:
      local: { port: ${port}, servers: [files, other] }
      dead: { servers: [gone] }
  prod: { groups: { local: { port: ${port}, servers: [files] } } }
${more}`,
  })
  return Object.assign(made, { port })
}

const say = (it: Project, what: object) => it.temp.write({ 'said.json': JSON.stringify(what) })
const lockOf = (it: Project) => readFile(join(it.folder, 'mcpctl.lock'), 'utf8')

test('a lock holds what the servers themselves say, whatever the profile makes of it, and nothing else', async () => {
  await using it = await project()
  const { stdout } = await it.ok(['lock', 'prod'])
  expect(stdout).toContain('wrote mcpctl.lock')
  const text = await lockOf(it)
  expect(Object.keys(JSON.parse(text).servers.files.tools)).toEqual(['read', 'write'])
  expect(Object.keys(JSON.parse(text).servers)).toEqual(['files'])
  expect(text).not.toContain(it.folder)
  expect(text).not.toContain('Reads')
  expect((await it.ok(['lock', 'prod'])).stdout).toContain('up to date')
  expect(await lockOf(it)).toBe(text)
  expect((await it.ok(['lock', 'prod', '--check'])).stdout).toContain('as locked')
})

test('a check fails for what is not as locked, and says how, in words and as JSON', async () => {
  await using it = await project()
  await it.ok(['lock', 'prod'])
  const before = await lockOf(it)
  await say(it, changed)
  const human = await it.run(['lock', 'prod', '--check'])
  expect(human.exitCode).toBe(9)
  expect(human.stdout).toContain('tool "read" of server "files" changed (description), blocked: invisible characters')
  expect(human.stdout).toContain('- description: "Reads"')
  expect(human.stdout).toContain('+ description: "Reads\\u{200b} it"')
  expect(human.stdout).toContain('tool "erase" of server "files" is new, blocked')
  const json = await it.run(['lock', 'prod', '--check', '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({
    kind: 'Lock',
    written: false,
    servers: [{ name: 'files', state: 'changed', tools: 3, prompts: 1 }],
    changes: [
      { name: 'read', change: 'changed', fields: ['description'], flags: ['invisible characters'] },
      { name: 'write', change: 'changed' },
      { name: 'erase', change: 'new' },
    ],
  })
  expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'threshold', exit: 9 } })
  expect(await lockOf(it)).toBe(before)
  // On another machine nobody knows the old text: what changed is still said.
  await rm(join(it.temp.path, '.state'), { recursive: true })
  const elsewhere = await it.run(['lock', 'prod', '--check'])
  expect(elsewhere.stdout).toContain('changed (description)')
  expect(elsewhere.stdout).toContain('+ description: "Writes all"')
})

test('single things are taken over, and the rest stays as it was', async () => {
  await using it = await project()
  await it.ok(['lock', 'prod'])
  await say(it, changed)
  await it.ok(['lock', 'prod', '--accept', 'files/write', 'files/erase'])
  const { stdout } = await it.run(['lock', 'prod', '--check', '--json'])
  expect(JSON.parse(stdout).changes).toMatchObject([{ name: 'read' }])
  expect((await it.run(['lock', 'prod', '--accept', 'files/reed'])).stderr).toContain('did you mean "read"')
  expect((await it.run(['lock', 'prod', '--accept', 'fils'])).exitCode).toBe(2)
  await it.ok(['lock', 'prod', '--accept', 'files'])
  await it.ok(['lock', 'prod', '--check'])
})

test('a server that cannot be asked keeps what is locked of it, and the command fails', async () => {
  await using it = await project()
  const result = await it.run(['lock', 'dev'])
  expect(result.exitCode).toBe(4)
  expect(result.stdout).toContain('gone')
  expect(Object.keys(JSON.parse(await lockOf(it)).servers)).toEqual(['files', 'other'])
  await it.ok(['lock', 'dev', 'local', '--check'])
  expect((await it.run(['lock', 'dev', '--check'])).exitCode).toBe(4)
  expect((await it.run(['lock', 'dev', 'locl'])).exitCode).toBe(2)
})

test('what has to be asked for is asked for: a check without a lock, or of one that is broken, is a mistake', async () => {
  await using it = await project()
  const missing = await it.run(['lock', 'prod', '--check'])
  expect(missing.exitCode).toBe(6)
  expect(missing.stderr).toContain('mcpctl lock writes it')
  await it.temp.write({ 'mcpctl.lock': '{\n"version": 3, "servers": {} }\n' })
  const broken = await it.run(['lock', 'prod'])
  expect(broken.exitCode).toBe(6)
  expect(broken.stderr).toContain('mcpctl.lock:2:1')
  expect((await it.run(['lock', '--check', '--accept', 'files'])).exitCode).toBe(2)
})

test('beside a running supervisor: what drifts is blocked and shown, and a new lock lets it through', async () => {
  await using it = await project()
  await it.ok(['lock', 'prod'])
  await it.ok(['up', 'prod', '-d', '--wait'])
  const pid = (await it.group('local')).servers[0]?.pid
  const events = it.start(['events', '--json'])
  let seen = ''
  events.stdout?.on('data', (chunk) => (seen += chunk))
  await waitFor(() => seen.includes('"status"'))
  await say(it, changed)
  await waitFor(async () => (await it.group('local')).servers[0]?.drift === 3)
  const drifts = (): DriftEvent[] =>
    seen.split('\n').flatMap((line) => (line.startsWith('{"type":"drift"') ? [JSON.parse(line).drift] : []))
  await waitFor(() => drifts().length === 3)
  expect(drifts()[0]).toMatchObject({
    group: 'local',
    name: 'read',
    blocked: true,
    diff: ['- description: "Reads"', '+ description: "Reads\\u{200b} it"'],
  })
  expect((await it.ok(['status'])).stdout).toContain('3 not as locked')
  expect((await it.ok(['logs'])).stdout).toContain('not as locked')
  const refused = await it.run(['call', 'local', 'files_look'])
  expect(refused.exitCode).toBe(5)
  expect(refused.stderr).toContain('is blocked: it is not as mcpctl.lock says')
  await it.ok(['lock', 'prod'])
  await waitFor(async () => (await it.group('local')).servers[0]?.drift === 0)
  expect((await it.ok(['call', 'local', 'files_look'])).stdout).toContain('called read')
  expect((await it.group('local')).servers[0]?.pid).toBe(pid)
  events.kill('SIGTERM')
  await events
})

test('a lock that breaks while all runs changes nothing and is loud', async () => {
  await using it = await project()
  await it.ok(['lock', 'prod'])
  await it.ok(['up', 'prod', '-d', '--wait'])
  await it.edit('mcpctl.lock', 'sha256:', 'sha512:')
  await waitFor(async () => (await it.status()).config.state === 'stale')
  expect((await it.status()).config.problems).toMatchObject([{ code: 'bad_lock', line: 6 }])
  expect((await it.ok(['call', 'local', 'files_look'])).stdout).toContain('called read')
  await rm(join(it.folder, 'mcpctl.lock'))
  await waitFor(async () => (await it.status()).config.state === 'current')
})

test('an interrupted lock writes nothing and leaves no server behind', async () => {
  await using it = await makeProject({
    'mcpctl.yaml': `version: 1\nprofiles: { dev: { groups: { a: { servers: [s] } } } }\nservers: { s: ${stdioServer('silent')} }\n`,
  })
  const running = it.start(['lock'])
  let noted = ''
  running.stderr?.on('data', (chunk) => (noted += chunk))
  await waitFor(() => noted.includes('asking 1 server'))
  running.kill('SIGINT')
  expect((await running).exitCode).toBe(130)
  await expect(lockOf(it)).rejects.toThrow('ENOENT')
})
