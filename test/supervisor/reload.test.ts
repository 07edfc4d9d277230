import { once } from 'node:events'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { ask, type Groups, type Project, project } from './project.ts'

const reload = (p: Project) => p.client.ask('reload', { dryRun: false })

/** Two groups that are up; `next` gives the first one these servers. */
async function twoGroups(servers: readonly string[] = ['calm']) {
  const [fast, slow] = [await freePort(), await freePort()]
  const sketch = (one: readonly string[]): Groups => ({ fast: { port: fast, servers: one }, slow: { port: slow } })
  const p = await project(sketch(servers))
  await p.up()
  return Object.assign(p, { ports: { fast, slow }, next: (one: readonly string[]) => p.save(sketch(one)) })
}

test('R-01: a comment and another order of keys change nothing', async () => {
  await using p = await twoGroups()
  const before = await p.status()
  const text = await readFile(join(p.folder.path, 'mcpctl.yaml'), 'utf8')
  const [version, name, ...rest] = text.split('\n')
  await p.folder.write({ 'mcpctl.yaml': ['# a comment', name, version, '', ...rest].join('\n') })
  expect(await reload(p)).toMatchObject({ generation: 1, plan: { actions: [], unchanged: ['fast', 'slow'] } })
  expect(await p.status()).toEqual(before)
})

test('R-05: whichever way the file is invalid, nothing changes and it is said once', async () => {
  await using p = await twoGroups()
  const good = await readFile(join(p.folder.path, 'mcpctl.yaml'), 'utf8')
  const before = (await p.status()).groups
  const invalid = [
    '{ [',
    'groups: 1\n',
    '',
    '# nothing\n',
    '- a list\n',
    'just text\n',
    `${good}\nversion: 1\n`,
    `${good}\nupstrems: {}\n`,
    good.replace('servers: [calm]', 'servers: [clam]'),
    good.replace(`port: ${p.ports.fast}`, 'port: 65536'),
    good.replace(`port: ${p.ports.fast}`, `port: ${p.ports.slow}`),
    good.replace(/command: [^,]+/, 'command: "${MISSING}"'),
  ]
  const taken: string[] = []
  for (const text of invalid) {
    await p.folder.write({ 'mcpctl.yaml': text })
    await reload(p).then(
      () => taken.push(text),
      () => {},
    )
    await reload(p).catch(() => {})
    expect((await p.status()).groups).toEqual(before)
  }
  expect(taken).toEqual([])
  expect((await p.status()).config).toMatchObject({ generation: 1, state: 'stale' })
  const log = await readFile(join(p.paths.logs, 'mcpctl.log'), 'utf8')
  expect(log.split('configuration rejected').length - 1).toBeLessThanOrEqual(invalid.length)
})

test('R-10: a new group whose port is taken rejects the whole reload', async () => {
  await using other = await occupy()
  await using p = await twoGroups()
  const before = (await p.status()).groups
  const { fast, slow } = p.ports
  await p.save({ fast: { port: fast, servers: ['other'] }, slow: { port: slow }, new: { port: other.port } })
  await expect(reload(p)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('"new"') })
  expect((await p.status()).groups).toEqual(before)
  expect(await ask(fast)).toMatchObject({ servers: ['calm'] })
})

test('a new group that does not come up rejects the whole reload and leaves no process', async () => {
  await using p = await twoGroups()
  const before = (await p.status()).groups
  const { fast, slow } = p.ports
  const port = await freePort()
  await p.save({ fast: { port: fast, servers: ['other'] }, slow: { port: slow }, new: { port, servers: ['crash'] } })
  await expect(reload(p)).rejects.toMatchObject({ code: 'not_ready', message: expect.stringContaining('"new"') })
  expect((await p.status()).groups).toEqual(before)
  expect((await p.status()).config).toMatchObject({ generation: 1, state: 'stale' })
  expect(await ask(fast)).toMatchObject({ servers: ['calm'] })
})

test('R-14: a newer configuration ends the preparation of one that hangs, and is in force', async () => {
  await using p = await twoGroups()
  await p.next(['calm', 'hangs'])
  const superseded = expect(reload(p)).rejects.toMatchObject({ code: 'conflict' })
  await waitFor(async () => (await ask(p.ports.fast)).isPreparing)
  await p.next(['calm', 'other'])
  await reload(p)
  await superseded
  expect(await ask(p.ports.fast)).toMatchObject({ servers: ['calm', 'other'] })
  expect((await p.status()).config).toMatchObject({ generation: 2, state: 'current' })
})

test('R-15: a proxy that ends while it prepares leaves the old configuration everywhere', async () => {
  await using p = await twoGroups()
  const pid = await p.pid('slow')
  const { fast, slow } = p.ports
  await p.save({ fast: { port: fast, servers: ['dies'] }, slow: { port: slow, servers: ['other'] } })
  await expect(reload(p)).rejects.toMatchObject({ code: 'not_ready' })
  await p.until('fast', 'ready')
  expect(await ask(fast)).toMatchObject({ servers: ['calm'] })
  expect(await ask(slow)).toMatchObject({ servers: ['calm'], pid })
})

test('R-15: a proxy that ends at the commit leaves the new configuration everywhere', async () => {
  await using p = await twoGroups()
  const { fast, slow } = p.ports
  await p.save({ fast: { port: fast, servers: ['dies-late'] }, slow: { port: slow, servers: ['other'] } })
  await reload(p)
  await p.until('fast', 'ready')
  expect(await ask(fast)).toMatchObject({ servers: ['dies-late'] })
  expect(await ask(slow)).toMatchObject({ servers: ['other'] })
})

test('R-15: a proxy that does not take over its configuration is replaced by one that begins with it', async () => {
  await using p = await twoGroups()
  const pid = await p.pid('fast')
  await p.next(['deaf'])
  await reload(p)
  await p.until('fast', 'ready')
  expect((await ask(p.ports.fast)).servers).toEqual(['deaf'])
  await waitFor(() => !isAlive(pid))
})

test('R-16: what is in force is kept for the owner alone, twenty of them, and given back by a rollback', async () => {
  await using p = await twoGroups()
  for (let round = 0; round < 21; round++) {
    await p.next(['calm', `s${round}`])
    await reload(p)
  }
  const kept = await waitFor(async () => {
    const names = await readdir(p.paths.generations)
    return names.includes('22.json') && !names.includes('2.json') ? names : undefined
  })
  expect(kept.filter((name) => name.endsWith('.json'))).toHaveLength(20)
  expect((await stat(join(p.paths.generations, '22.json'))).mode & 0o777).toBe(0o600)
  const pid = await p.pid('fast')
  expect(await p.client.ask('rollback', {})).toMatchObject({ generation: 23 })
  expect(await ask(p.ports.fast)).toMatchObject({ pid, servers: ['calm', 's19'] })
  const { config } = await p.status()
  expect(config).toMatchObject({ state: 'stale', problems: [{ message: expect.stringContaining('generation 21') }] })
  await reload(p)
  expect(await ask(p.ports.fast)).toMatchObject({ servers: ['calm', 's20'] })
  expect((await p.status()).config.state).toBe('current')
  await expect(p.client.ask('rollback', { generation: 2 })).rejects.toMatchObject({
    code: 'usage',
    message: 'there is no generation 2',
    hint: expect.stringMatching(/^known: \d+, /),
  })
})

test('R-21: a profile without groups is rejected unless it is meant', async () => {
  await using p = await twoGroups()
  const before = await p.group('fast')
  const empty = 'version: 1\nprofiles:\n  dev:\n    groups: {}\n'
  await p.folder.write({ 'mcpctl.yaml': empty })
  await expect(reload(p)).rejects.toMatchObject({ code: 'config_invalid' })
  expect(await p.group('fast')).toEqual(before)
  await p.client.ask('reload', { dryRun: false, allowEmpty: true })
  expect((await p.status()).groups).toEqual([])
  await p.folder.write({ 'mcpctl.yaml': `# still\n${empty}` })
  await reload(p)
})

test('R-13: of a hundred contents that go back and forth few are applied, and the last of them is', async () => {
  await using p = await twoGroups()
  await p.apply({ watch: true })
  const before = (await p.status()).config.generation
  for (let round = 1; round <= 100; round++) {
    await p.next(round % 2 === 0 ? ['calm', 'other'] : ['calm'])
    await new Promise((resolve) => setTimeout(resolve, 45))
  }
  await waitFor(async () => (await ask(p.ports.fast)).servers.includes('other'))
  expect((await p.status()).config.generation - before).toBeLessThanOrEqual(12)
}, 30_000)

test('what is not to be connected anew is not prepared: a filter and a deadline are in force at once', async () => {
  await using p = await twoGroups(['calm', 'hangs'])
  const file = join(p.folder.path, 'mcpctl.yaml')
  const text = await readFile(file, 'utf8')
  // Its proxy never ends a preparation of it.
  const other = text.replace('hangs: {', 'hangs: { timeouts: { request: 7s }, tools: { deny: [x] },')
  await p.folder.write({ 'mcpctl.yaml': other })
  expect(await reload(p)).toMatchObject({ generation: 2, plan: { actions: [{ do: 'reload', group: 'fast' }] } })
  expect((await ask(p.ports.fast)).isPreparing).toBe(false)
})

test('a server that is not required and does not come up is a warning in the answer', async () => {
  await using p = await twoGroups()
  await p.next(['calm', 'fails'])
  const { warnings } = await reload(p)
  expect(warnings).toMatchObject([{ severity: 'warning', message: expect.stringContaining('"fails" of group "fast"') }])
  expect(warnings[0]?.message).toContain('does not come up')
  expect((await p.status()).config).toMatchObject({ generation: 2, state: 'current' })
})

test.each([
  ['invalid', (file: string) => writeFile(file, '{ [')],
  ['missing', (file: string) => rm(file)],
])('R-12: a file that stays %s is reminded of, until there is a good one', async (_what, spoil) => {
  await using p = await project({ fast: { port: await freePort() } }, { timing: { reminder: 30 } })
  await p.up()
  const file = join(p.folder.path, 'mcpctl.yaml')
  const good = await readFile(file, 'utf8')
  const reminders = async () => {
    const log = await readFile(join(p.paths.logs, 'mcpctl.log'), 'utf8')
    return log.split('configuration still rejected').length - 1
  }
  await spoil(file)
  await reload(p).catch(() => {})
  await waitFor(async () => (await reminders()) >= 2)
  await writeFile(file, good)
  await reload(p)
  const before = await reminders()
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(await reminders()).toBe(before)
})

test('R-22: from any configuration a reload leads where a fresh start would, and equal groups keep their processes', async () => {
  const names = ['one', 'two', 'three'] as const
  const ports = [await freePort(), await freePort(), await freePort()]
  const servers = fc.uniqueArray(fc.constantFrom('calm', 'other', 'third'), { minLength: 1 })
  const some = fc.record({ one: servers, two: servers, three: servers }, { requiredKeys: [] })
  const sets = some.filter((groups) => Object.keys(groups).length > 0)
  const sketch = (groups: Partial<Record<string, string[]>>): Groups =>
    Object.fromEntries(
      names.flatMap((name, at) => (groups[name] ? [[name, { port: ports[at] ?? 0, servers: groups[name] }]] : [])),
    )
  const seen = async (p: Project) => {
    const { groups } = await p.status()
    const served = await Promise.all(groups.map(({ port }) => ask(port ?? 0)))
    const shown = groups.map(({ name, port, state }, at) => ({ name, port, state, servers: served[at]?.servers }))
    return { shown, pids: new Map(groups.map(({ name, pid }) => [name, pid])) }
  }
  await fc.assert(
    fc.asyncProperty(sets, sets, async (from, to) => {
      const reached = await (async () => {
        await using p = await project(sketch(from))
        await p.up()
        const before = await seen(p)
        await p.save(sketch(to))
        await reload(p)
        const after = await waitFor(async () => ((await p.status()).state === 'ready' ? seen(p) : undefined))
        const same = names.filter((name) => from[name] && to[name]?.join() === from[name].join())
        for (const name of same) expect(after.pids.get(name)).toBe(before.pids.get(name))
        return after.shown
      })()
      await using fresh = await project(sketch(to))
      await fresh.up()
      expect(reached).toEqual((await seen(fresh)).shown)
    }),
    { numRuns: 8, endOnFailure: true },
  )
}, 60_000)

test('R-23: a hundred reloads leave no descriptor, listener or timer behind', async () => {
  await using p = await twoGroups()
  const round = async (count: number) => {
    for (let at = 0; at < count; at++) {
      await p.next(at % 2 === 0 ? ['calm', 'other'] : ['calm'])
      await reload(p)
    }
    return held()
  }
  const before = await round(20)
  const after = await round(100)
  expect(after.timers).toBeLessThanOrEqual(before.timers + 2)
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2)
}, 30_000)

test('R-12: a deleted file changes nothing, is said once, and its return is noticed', async () => {
  await using p = await twoGroups()
  await p.apply({ watch: true })
  const text = await readFile(join(p.folder.path, 'mcpctl.yaml'), 'utf8')
  const before = await p.group('fast')
  await rm(join(p.folder.path, 'mcpctl.yaml'))
  await waitFor(async () => (await p.status()).config.state === 'stale')
  expect(await p.group('fast')).toEqual(before)
  await p.folder.write({ 'mcpctl.yaml': text })
  await waitFor(async () => (await p.status()).config.state === 'current')
  expect(await p.group('fast')).toEqual(before)
})

function held() {
  const resources = process.getActiveResourcesInfo()
  return {
    timers: resources.filter((name) => name === 'Timeout').length,
    descriptors: resources.filter((name) => name !== 'Timeout').length,
  }
}

async function occupy() {
  const server = createServer()
  const port = await freePort()
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return { port, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) }
}
