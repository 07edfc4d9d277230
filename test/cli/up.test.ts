import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ControlEvent } from '../../src/control/protocol.ts'
import { cli } from '../helpers/cli.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { makeProject, type Project, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

const dead = '{ ref: dead, required: true }'

interface TwoProfiles extends Project {
  readonly ports: readonly [number, number, number]
}

/** Profile `a` has the groups one and two, profile `b` the group three. */
async function twoProfiles(second = 'echo'): Promise<TwoProfiles> {
  const ports = [await freePort(), await freePort(), await freePort()] as const
  const project = await makeProject({
    'mcpctl.yaml': `version: 1
servers:
  echo: ${stdioServer('echo')}
  dead: { url: "http://127.0.0.1:9/mcp" }
profiles:
  a:
    default: true
    groups:
      one: { port: ${ports[0]}, servers: [echo] }
      two: { port: ${ports[1]}, servers: [${second}] }
  b: { groups: { three: { port: ${ports[2]}, servers: [echo] } } }
`,
  })
  return Object.assign(project, { ports })
}

function listenOn(port: number): Promise<AsyncDisposable> {
  const server = createServer()
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve({ [Symbol.asyncDispose]: close }))
  })
}

test('up -d --wait answers with the addresses, again changes nothing, and down leaves nothing', async () => {
  await using project = await twoProfiles()
  const [one, two] = project.ports
  const first = await project.ok(['up', '-d', '--wait'])
  expect(first.stdout).toBe(`one  http://127.0.0.1:${one}/mcp  ready\ntwo  http://127.0.0.1:${two}/mcp  ready`)
  expect(first.stderr).toMatch(/✔ one\/echo {2}\d+ tools?[\s\S]*ready in [\s\S]*next: mcpctl tools one/)
  const before = await project.status()
  const again = await project.ok(['up', '-d', '--wait'])
  expect(again.stderr).toContain('= one unchanged\n= two unchanged')
  expect((await project.status()).groups).toEqual(before.groups)
  expect((await project.ok(['down'])).stdout).toBe('stopped one\nstopped two')
  expect(isAlive(before.supervisor.pid)).toBe(false)
  expect(markedProcesses(project.temp.path)).toEqual([])
  await project.ok(['down'])
})

test('of many racing ups one starts the supervisor, and all are content', async () => {
  await using project = await twoProfiles()
  const results = await Promise.all(Array.from({ length: 4 }, () => project.run(['up', '-d', '--wait', '--json'])))
  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
  expect(new Set(results.map(({ stdout }) => JSON.parse(stdout).supervisor.pid)).size).toBe(1)
})

test('up of some groups runs only these', async () => {
  await using project = await twoProfiles()
  const { stdout } = await project.ok(['up', 'a', 'two', '-d', '--wait'])
  expect(stdout).toMatch(/^two .* ready$/)
  const byName = await project.ok(['up', '-p', 'a', 'one', '-d', '--wait', '--json'])
  expect(JSON.parse(byName.stdout).groups).toMatchObject([{ name: 'one', state: 'ready' }, { name: 'two' }])
})

test('a taken port is exit 8 and names the owner, and the other group is up', async () => {
  await using project = await twoProfiles()
  await using _other = await listenOn(project.ports[1])
  const { exitCode, stderr } = await project.run(['up', '-d', '--wait'])
  expect(exitCode).toBe(8)
  expect(stderr).toContain(`port ${project.ports[1]} is taken by`)
  expect(stderr).toContain(`pid ${process.pid}`)
  expect(await project.group('one')).toMatchObject({ state: 'ready' })
})

test('what is not ready in time is exit 7, and the supervisor keeps trying', async () => {
  await using project = await twoProfiles(dead)
  const { exitCode, stderr } = await project.run(['up', '-d', '--wait', '--wait-timeout', '500ms', '--json'])
  expect(exitCode).toBe(7)
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'not_ready',
    message: expect.stringContaining('two is starting'),
  })
  expect((await project.status()).groups.map(({ state }) => state)).toEqual(['ready', 'starting'])
  expect((await project.run(['wait', '--wait-timeout', '200ms'])).exitCode).toBe(7)
  await project.ok(['wait', 'one'])
})

test('up -d does not wait, but under CI it does', async () => {
  await using project = await twoProfiles(dead)
  await project.ok(['up', '-d'])
  const { exitCode } = await project.run(['up', '-d', '--wait-timeout', '300ms'], { CI: 'true' })
  expect(exitCode).toBe(7)
})

test.each([[['up']], [['up', '-d']]])('%j with an invalid file is exit 6 and leaves nothing running', async (args) => {
  await using project = await twoProfiles()
  await project.edit('mcpctl.yaml', 'servers: [echo]', 'servers: [ecko]')
  const { exitCode, stdout, stderr } = await project.run(args)
  expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: '' })
  expect(stderr).toMatch(/mcpctl\.yaml:9:\d+ error .*"ecko"/)
  expect(stderr).toContain('did you mean "echo"?')
  await waitFor(async () => (await project.run(['status'])).exitCode === 4)
})

test('another profile switches and says what stops', async () => {
  await using project = await twoProfiles()
  await project.ok(['up', 'a', '-d', '--wait'])
  const { stderr } = await project.ok(['up', 'b', '-d', '--wait'])
  expect(stderr).toMatch(/switching from profile a to b\n- one stop: .*\n- two stop: .*\n\+ three start: /)
  expect((await project.status()).groups.map(({ name }) => name)).toEqual(['three'])
})

test('the events are the progress with --progress json, and the status the answer with --json', async () => {
  await using project = await twoProfiles()
  const { stdout, stderr } = await project.ok(['up', '-d', '--wait', '--json', '--progress', 'json'])
  expect(JSON.parse(stdout)).toMatchObject({ kind: 'Status', state: 'ready' })
  const events: ControlEvent[] = stderr.split('\n').map((line) => JSON.parse(line))
  expect(events.map(({ type }) => type)).toContain('applied')
  expect(events.at(-1)).toMatchObject({ type: 'status', status: { state: 'ready' } })
})

test('a foreground up shows its logs, refuses a second one by pid, and ends with 0 on down', async () => {
  await using project = await twoProfiles()
  const up = project.start(['up'])
  await waitFor(async () => (await project.status()).state === 'ready')
  const second = await project.run(['up'])
  expect(second.exitCode).toBe(8)
  expect(second.stderr).toContain(`pid ${up.pid}`)
  await project.ok(['down'])
  const { exitCode, stdout, stderr } = await up
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^one .* ready\ntwo .* ready$/)
  expect(stderr).toMatch(/\d\d:\d\d:\d\d one \| proxy listening/)
})

test('a foreground up whose reader goes away ends and leaves nothing', async () => {
  await using project = await twoProfiles()
  const up = project.start(['up'])
  await waitFor(async () => (await project.status()).state === 'ready')
  up.stderr.destroy()
  // Its next log line finds nobody.
  await project.run(['restart', 'one'])
  await up
  expect(markedProcesses(project.temp.path)).toEqual([])
})

test('an up while everything goes down waits for that and starts anew', async () => {
  await using project = await twoProfiles()
  const first = await project.ok(['up', '-d', '--wait', '--json'])
  const [, up] = await Promise.all([project.run(['down']), project.run(['up', '-d', '--wait', '--json'])])
  expect(up.exitCode, up.stderr).toBe(0)
  const { supervisor } = JSON.parse(up.stdout)
  // Which of the two came first is open; either way the project is as the one that came last wants it.
  const status = await project.run(['status', '--json'])
  if (status.exitCode === 4) expect(supervisor.pid).toBe(JSON.parse(first.stdout).supervisor.pid)
  else expect(JSON.parse(status.stdout)).toMatchObject({ supervisor: { pid: supervisor.pid }, state: 'ready' })
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s of a foreground up is 0, also while it is still coming up',
  async (signal) => {
    await using project = await twoProfiles(dead)
    const up = project.start(['up'])
    await waitFor(async () => (await project.group('one')).state === 'ready')
    up.kill(signal)
    expect((await up).exitCode).toBe(0)
    expect(markedProcesses(project.temp.path)).toEqual([])
  },
)

test('a second Ctrl-C does not wait for a server that will not end', async () => {
  await using project = await twoProfiles('stubborn')
  await project.edit('mcpctl.yaml', '  dead:', `  stubborn: ${stdioServer('stubborn')}\n  dead:`)
  const up = project.start(['up'])
  await waitFor(async () => (await project.status()).state === 'ready')
  up.kill('SIGINT')
  await waitFor(
    async () => (await project.run(['status'])).exitCode === 4 || (await project.status()).state !== 'ready',
  )
  up.kill('SIGINT')
  expect((await up).exitCode).toBe(0)
  expect(markedProcesses(project.temp.path)).toEqual([])
})

test('a hangup of a foreground up without a terminal reads the files again', async () => {
  await using project = await twoProfiles()
  const up = project.start(['up', '--no-watch'])
  await waitFor(async () => (await project.status()).state === 'ready')
  await project.edit('mcpctl.yaml', 'servers: [echo] }\n      two', 'servers: [echo, dead] }\n      two')
  up.kill('SIGHUP')
  await waitFor(async () => (await project.group('one')).servers.length === 2)
  await project.ok(['down'])
  expect((await up).exitCode).toBe(0)
})

test('variables of --env-file are known to the supervisor', async () => {
  await using project = await twoProfiles('echo, dead')
  await project.temp.write({ 'my.env': 'DEAD_URL=http://127.0.0.1:9/mcp\n' })
  await project.edit('mcpctl.yaml', 'http://127.0.0.1:9/mcp', '${DEAD_URL:?set DEAD_URL}')
  expect((await project.run(['up', '-d'])).exitCode).toBe(6)
  await project.ok(['up', '-d', '--wait', '--env-file', 'my.env'])
})

test('an edit of the file of --env-file is a difference, though Node has read it as well', async () => {
  await using project = await twoProfiles('echo, dead')
  await project.temp.write({ 'my.env': 'DEAD_URL=http://127.0.0.1:9/mcp\n' })
  await project.edit('mcpctl.yaml', 'http://127.0.0.1:9/mcp', '${DEAD_URL:?set DEAD_URL}')
  await project.ok(['up', '-d', '--wait', '--no-watch', '--env-file', 'my.env'])
  await project.temp.write({ 'my.env': 'DEAD_URL=http://127.0.0.1:10/mcp\n' })
  expect((await project.ok(['reload', '--dry-run'])).stdout).toContain('server dead changed')
})

test('wait for a stopped group by its name is not over at once', async () => {
  await using project = await twoProfiles()
  await project.ok(['up', '-d', '--wait'])
  await project.ok(['stop', 'two'])
  await project.ok(['wait'])
  const { exitCode, stderr } = await project.run(['wait', 'two', '--wait-timeout', '200ms'])
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('two is stopped') })
})

test.each([[['up']], [['up', '-d']], [['use', 'a']]])('%j says where the state cannot be kept', async (args) => {
  await using project = await twoProfiles()
  const result = await project.run(args, { MCPCTL_HOME: join(project.folder, 'mcpctl.yaml') })
  expect(result).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/cannot make the state folder.*\nhint: set/),
  })
})

test('the state is in one place wherever in the project a command is typed, and HOME may be missing', async () => {
  await using project = await twoProfiles()
  await project.temp.write({ 'deep/er/x': '' })
  const env = { MCPCTL_HOME: '.elsewhere', HOME: project.folder }
  await project.ok(['up', '-d', '--wait'], env)
  const deep = join(project.folder, 'deep', 'er')
  expect(await cli(['down'], { cwd: deep, env })).toMatchObject({ exitCode: 0, stdout: 'stopped one\nstopped two' })
  const homeless = await cli(['status'], { cwd: deep, env: { ...env, HOME: '', MCPCTL_HOME: '' } })
  expect(homeless).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('no supervisor is running') })
})

test('a supervisor that hangs is neither down nor started anew', async () => {
  await using project = await twoProfiles()
  await project.ok(['up', '-d', '--wait'])
  const { supervisor } = await project.status()
  process.kill(supervisor.pid, 'SIGSTOP')
  const all = await Promise.all([['status'], ['down'], ['up', '-d'], ['logs', '-f']].map((args) => project.run(args)))
  process.kill(supervisor.pid, 'SIGCONT')
  const stderr = expect.stringContaining('the supervisor has not answered for 5 s')
  for (const result of all) expect(result).toMatchObject({ exitCode: 4, stdout: '', stderr })
  expect((await project.status()).supervisor.pid).toBe(supervisor.pid)
})

test('down after the supervisor was killed ends what it left behind', async () => {
  await using project = await twoProfiles()
  await project.ok(['up', '-d', '--wait', '--no-watch'])
  const { supervisor } = await project.status()
  process.kill(supervisor.pid, 'SIGKILL')
  await waitFor(() => !isAlive(supervisor.pid))
  await project.ok(['down'])
  expect(markedProcesses(project.temp.path)).toEqual([])
})

test('restart gives a group a new process, stop and start take it away and bring it back', async () => {
  await using project = await twoProfiles()
  await project.ok(['up', '-d', '--wait'])
  const [one, two] = (await project.status()).groups
  await project.ok(['restart', 'one'])
  const restarted = await project.status()
  expect(restarted.groups[0]).toMatchObject({ state: 'ready' })
  expect(restarted.groups[0]?.pid).not.toBe(one?.pid)
  expect(restarted.groups[1]?.pid).toBe(two?.pid)
  expect((await project.ok(['stop', 'two'])).stdout).toMatch(/- two stop: /)
  expect(await project.group('two')).toMatchObject({ state: 'stopped', pid: null })
  await project.ok(['start', 'two'])
  expect(await project.group('two')).toMatchObject({ state: 'ready' })
  expect((await project.run(['restart', 'tow'])).exitCode).toBe(2)
})

test('reload shows and applies the difference', async () => {
  await using project = await twoProfiles()
  await project.ok(['up', '-d', '--wait', '--no-watch'])
  await project.edit('mcpctl.yaml', 'servers: [echo] }\n      two', 'servers: [echo, dead] }\n      two')
  const planned = await project.ok(['reload', '--dry-run', '--json'])
  expect(JSON.parse(planned.stdout).plan).toMatchObject({
    actions: [{ do: 'reload', group: 'one', servers: [{ name: 'dead', change: 'added' }] }],
    unchanged: ['two'],
  })
  expect((await project.group('one')).servers).toHaveLength(1)
  expect((await project.ok(['plan'])).stdout).toMatch(/^~ one reload: .*dead.*\n= two unchanged$/)
  await project.ok(['reload', '--wait'])
  expect(await project.group('one')).toMatchObject({ state: 'degraded', servers: [{ name: 'echo' }, { name: 'dead' }] })
})
