import { expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { callers } from './callers.ts'
import { ask, project } from './project.ts'

test('runs one proxy per group, each on its own port', async () => {
  const [fast, slow] = [await freePort(), await freePort()]
  await using p = await project({ fast: { port: fast }, slow: { port: slow, servers: ['calm', 'other'] } })
  expect(await p.apply()).toMatchObject({ profile: 'dev', generation: 1 })
  await p.until('slow', 'ready')
  await p.until('fast', 'ready')
  const status = await p.status()
  expect(status).toMatchObject({ project: 'seed', profile: 'dev', state: 'ready', config: { state: 'current' } })
  expect((await ask(fast)).pid).toBe((await p.group('fast')).pid)
  expect(await ask(slow)).toMatchObject({ pid: (await p.group('slow')).pid, servers: ['calm', 'other'] })
})

test('does nothing on an apply that changes nothing', async () => {
  await using p = await project({ fast: { port: await freePort() } })
  await p.up()
  const before = await p.group('fast')
  const again = await p.apply()
  expect(again).toMatchObject({ generation: 1, plan: { actions: [], unchanged: ['fast'] } })
  expect(await p.group('fast')).toEqual(before)
})

test('reloads the changed group in the same process and leaves the other alone', async () => {
  const [fast, slow] = [await freePort(), await freePort()]
  await using p = await project({ fast: { port: fast }, slow: { port: slow } })
  await p.up()
  const before = (await p.status()).groups.map((group) => group.pid)
  await p.save({ fast: { port: fast, servers: ['calm', 'other'] }, slow: { port: slow } })
  const { plan } = await p.client.ask('reload', { dryRun: false })
  expect(plan.actions.map(({ do: step, group, servers }) => [step, group, servers])).toEqual([
    ['reload', 'fast', [{ name: 'other', change: 'added' }]],
  ])
  expect(await ask(fast)).toMatchObject({ servers: ['calm', 'other'], whole: ['other'] })
  expect((await p.status()).groups.map((group) => group.pid)).toEqual(before)
})

test('shows with a dry run what a reload would do, and does not do it', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port } })
  await p.up()
  await p.save({ fast: { port, servers: ['other'] } })
  const { plan } = await p.client.ask('reload', { dryRun: true })
  expect(plan.actions.map((action) => action.do)).toEqual(['reload'])
  expect(await ask(port)).toMatchObject({ servers: ['calm'] })
})

test('moves a group to another port in the same process', async () => {
  const [from, to] = [await freePort(), await freePort()]
  await using p = await project({ fast: { port: from } })
  await p.up()
  const pid = await p.pid('fast')
  await p.save({ fast: { port: to, servers: ['other'] } })
  await p.client.ask('reload', { dryRun: false })
  expect(await ask(to)).toMatchObject({ pid, servers: ['other'] })
  expect(await p.group('fast')).toMatchObject({ pid, port: to, state: 'ready' })
  await waitFor(() =>
    ask(from).then(
      () => false,
      () => true,
    ),
  )
})

test('restarts a group as a new process on the same socket without a failed request', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port } })
  await p.up()
  const pid = await p.pid('fast')
  const load = callers(port, { connection: 'close' })
  await p.client.ask('restart', { groups: ['fast'] })
  const after = await p.until('fast', 'ready')
  await waitFor(async () => !isAlive(pid))
  expect(await load.stop()).toEqual([])
  expect(after).toMatchObject({ state: 'ready', restarts: 0 })
  expect(after.pid).not.toBe(pid)
})

test('P-08: a killed proxy is replaced without a refused connection, and no other group is disturbed', async () => {
  const [fast, slow] = [await freePort(), await freePort()]
  await using p = await project({ fast: { port: fast }, slow: { port: slow } })
  await p.up()
  const other = await p.group('slow')
  const load = callers(fast, { connection: 'close' })
  for (let round = 1; round <= 3; round++) {
    process.kill(await p.pid('fast'), 'SIGKILL')
    await waitFor(async () => (await p.group('fast')).restarts === round && (await p.until('fast', 'ready')))
  }
  const failures = await load.stop()
  expect(failures.filter((code) => code === 'ECONNREFUSED')).toEqual([])
  expect(await p.group('slow')).toEqual(other)
})

test('stops a group, frees its port, and starts it again', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port } })
  await p.up()
  const pid = await p.pid('fast')
  await p.client.ask('stop', { groups: ['fast'] })
  expect(await p.group('fast')).toMatchObject({ state: 'stopped', pid: null, port })
  expect(isAlive(pid)).toBe(false)
  await expect(ask(port)).rejects.toThrow()
  await p.client.ask('start', { groups: ['fast'] })
  expect(await ask(port)).toMatchObject({ pid: (await p.group('fast')).pid })
})

test('runs only the groups that were named, and all of them when none is', async () => {
  await using p = await project({ fast: { port: await freePort() }, slow: { port: await freePort() } })
  await p.up({ groups: ['slow'] })
  expect((await p.status()).groups.map(({ name, state }) => [name, state])).toEqual([
    ['fast', 'stopped'],
    ['slow', 'ready'],
  ])
  await p.up()
  expect((await p.status()).groups.map(({ state }) => state)).toEqual(['ready', 'ready'])
})

test.each(['restart', 'start', 'stop'] as const)('refuses to %s a group that does not exist', async (verb) => {
  await using p = await project({ fast: { port: await freePort() } })
  await p.up()
  await expect(p.client.ask(verb, { groups: ['fats'] })).rejects.toMatchObject({ code: 'usage' })
})

test('gives proxies an allow-listed environment with the marker of the state folder', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port } })
  const env = { PATH: '/bin', LC_ALL: 'C', TOKEN: 'hidden', NODE_OPTIONS: '--no-warnings', LANG: '() { :; }' }
  await p.up({ env: { ...p.wish().env, ...env } })
  const given = (await ask(port)).env
  expect(given).toMatchObject({ PATH: '/bin', LC_ALL: 'C', MCPCTL_OWNER: p.paths.folder })
  for (const name of ['TOKEN', 'NODE_OPTIONS', 'LANG', 'MCPCTL_HOME']) expect(given).not.toHaveProperty(name)
})

test('leaves no marked process behind on down, and answers when that is so', async () => {
  await using p = await project({ fast: { port: await freePort() }, slow: { port: await freePort() } })
  await p.up()
  expect(markedProcesses(p.paths.folder).filter(({ command }) => command.includes('stand-in'))).toHaveLength(2)
  expect(await p.client.ask('down')).toEqual({ stopped: ['fast', 'slow'], killed: [] })
  expect(markedProcesses(p.paths.folder)).toEqual([])
  await p.running.ended
})

test('forces what does not drain when it is asked a second time', async () => {
  await using p = await project({ fast: { port: await freePort(), servers: ['stubborn'] } })
  await p.up()
  const pid = await p.pid('fast')
  p.running.stop()
  p.running.stop()
  expect(await p.running.ended).toMatchObject({ killed: [pid] })
})
