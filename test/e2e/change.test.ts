import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { messages, rawSession } from '../helpers/mcp.ts'
import { requestOf, send } from '../helpers/modern.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { connect, makeProject, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

/** Two groups of echo servers, one of which is given a secret and another a variable of an env file. */
async function running(extra: Readonly<Record<string, string>> = {}) {
  const [one, two] = [await freePort(), await freePort()]
  const echo = stdioServer('echo')
  const project = await makeProject({
    'mcpctl.yaml': `
version: 1
secrets: { key: { file: key.txt } }
servers:
  alpha: ${echo}
  beta: ${echo}
  keyed: ${echo.replace(/ }$/, ', env: { KEY: "${secret:key}" } }')}
  varied: ${echo.replace(/ }$/, ', env: { V: "${V:-none}" } }')}
profiles:
  only:
    default: true
    groups:
      one: { port: ${one}, servers: [alpha, keyed, varied] }
      two: { port: ${two}, servers: [beta] }
  other:
    groups:
      two: { port: ${two}, servers: [beta] }
`,
    'key.txt': 'first-secret-value',
    ...extra,
  })
  await chmod(join(project.folder, 'key.txt'), 0o600)
  await project.ok(['up', '-d', '--wait'])
  const pidsOf = async (group: string) => {
    const { pid, servers } = await project.group(group)
    return { pid, servers: Object.fromEntries(servers.map((server) => [server.name, server.pid])) }
  }
  return Object.assign(project, { ports: [one, two] as const, pidsOf })
}

/** Calls a tool again and again until stopped; tells the failures and how many were made. */
function caller(url: string) {
  const failures: unknown[] = []
  let calls = 0
  let isOver = false
  const done = (async () => {
    await using client = await connect(url)
    while (!isOver) {
      await client.callTool({ name: 'alpha_echo', arguments: { text: 'x' } }).catch((error) => failures.push(error))
      calls++
    }
  })()
  return {
    calls: () => calls,
    async stop() {
      isOver = true
      await done
      return failures
    },
  }
}

test('R-02 R-03 R-08: servers come, change and go under load, and nothing else is touched', async () => {
  await using project = await running()
  const before = await project.pidsOf('one')
  const { url } = await project.group('one')
  const load = caller(url)
  await using client = await connect(url)
  await waitFor(() => load.calls() > 5)
  await project.edit('mcpctl.yaml', '[alpha, keyed, varied]', '[alpha, keyed, varied, beta]')
  await waitFor(async () => (await client.listTools()).tools.some(({ name }) => name === 'beta_echo'))
  const slow = client.callTool({ name: 'beta_slow', arguments: { ms: 1_000 } })
  await project.edit('mcpctl.yaml', '[alpha, keyed, varied, beta]', '[alpha, keyed, varied]')
  await waitFor(async () => (await project.group('one')).servers.length === 3)
  expect((await slow).isError).not.toBe(true)
  await project.edit('mcpctl.yaml', '${V:-none}', '${V:-other}')
  const varied = before.servers.varied ?? 0
  await waitFor(() => !isAlive(varied))
  expect(await load.stop()).toEqual([])
  const after = await project.pidsOf('one')
  expect(after.pid).toBe(before.pid)
  expect({ ...after.servers, varied: 0 }).toEqual({ ...before.servers, varied: 0 })
})

test('R-04 R-17 R-18: a timeout reconnects nobody, a secret and a variable only those that use them', async () => {
  await using project = await running({ '.env': 'V=1\n' })
  const before = await project.pidsOf('one')
  await project.edit('mcpctl.yaml', 'servers: [alpha, keyed', 'timeouts: { request: 7s }, servers: [alpha, keyed')
  await waitFor(async () => (await project.status()).config.generation === 2)
  expect(await project.pidsOf('one')).toEqual(before)
  await writeFile(join(project.folder, 'key.txt'), 'second-secret-value')
  const rotated = await waitFor(async () => {
    const now = await project.pidsOf('one')
    return now.servers.keyed && now.servers.keyed !== before.servers.keyed ? now : undefined
  })
  expect({ ...rotated, servers: { ...rotated.servers, keyed: 0 } }).toEqual({
    ...before,
    servers: { ...before.servers, keyed: 0 },
  })
  await writeFile(join(project.folder, '.env'), 'V=2\n')
  const varied = await waitFor(async () => {
    const now = await project.pidsOf('one')
    return now.servers.varied && now.servers.varied !== before.servers.varied ? now : undefined
  })
  expect(varied).toEqual({ ...rotated, servers: { ...rotated.servers, varied: varied.servers.varied } })
})

test('R-06: a file that is written in two halves is one reload and no error', async () => {
  await using project = await running()
  const text = await readFile(join(project.folder, 'mcpctl.yaml'), 'utf8')
  const whole = text.replace('servers: [beta]', 'servers: [beta, alpha]')
  await writeFile(join(project.folder, 'mcpctl.yaml'), whole.slice(0, whole.indexOf('[alpha, keyed') + 3))
  await new Promise((resolve) => setTimeout(resolve, 500))
  await writeFile(join(project.folder, 'mcpctl.yaml'), whole)
  await waitFor(async () => (await project.group('two')).servers.length === 2)
  expect((await project.status()).config).toMatchObject({ generation: 2, state: 'current' })
  expect((await project.ok(['logs', '-n', '500'])).stdout).not.toContain('configuration rejected')
})

test('R-09: a port changes under load without a failed call, on the old one and on the new one', async () => {
  await using project = await running()
  const port = await freePort()
  const old = caller((await project.group('one')).url)
  await waitFor(() => old.calls() > 5)
  await project.edit('mcpctl.yaml', `port: ${project.ports[0]}, servers`, `port: ${port}, servers`)
  await waitFor(async () => (await project.group('one')).port === port)
  const moved = caller(`http://127.0.0.1:${port}/mcp`)
  const calls = old.calls()
  await waitFor(() => moved.calls() > 20 && old.calls() > calls + 20)
  expect([await old.stop(), await moved.stop()]).toEqual([[], []])
})

test('R-11: a group that is removed answers what is in flight and ends its streams in order', async () => {
  await using project = await running()
  const { url, pid } = await project.group('one')
  const session = await rawSession(url)
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id }
  const stream = await fetch(url, { headers })
  expect(stream.status).toBe(200)
  const listening = await send(url, requestOf('subscriptions/listen', { notifications: { toolsListChanged: true } }))
  expect(listening.status).toBe(200)
  const slow = session.ask('tools/call', { name: 'alpha_slow', arguments: { ms: 1_500 } })
  await waitFor(async () => (await project.group('one')).servers.length === 3)
  await project.edit('mcpctl.yaml', /.*one: .*\n/, '')
  await waitFor(async () => (await project.status()).groups.length === 1)
  expect((await slow).at(-1)?.result).toMatchObject({ content: [{ text: 'done' }] })
  // A connection that is cut would reject.
  const [, last] = await Promise.all([stream.text(), messages(listening).then((all) => all.at(-1))])
  expect(last).toMatchObject({ id: 1, result: expect.anything() })
  await waitFor(() => !isAlive(pid ?? 0), 30_000)
})

test('R-19: another profile stops what it does not have and keeps the rest', async () => {
  await using project = await running()
  const { pid } = await project.group('two')
  const gone = (await project.pidsOf('one')).pid ?? 0
  const done = await project.ok(['up', 'other', '-d', '--wait'])
  expect(done.stderr).toContain('switching from profile only to other')
  expect((await project.status()).groups.map(({ name, pid: now }) => [name, now])).toEqual([['two', pid]])
  await waitFor(() => !isAlive(gone))
})

/** Killed with a configuration that is in force and could not be written down. */
async function killedUnwritten() {
  const project = await running()
  const generations = join(await stateOf(project.temp.path), 'generations')
  await waitFor(async () => (await readdir(generations)).includes('1.json'))
  const [first] = [await project.status()]
  // Whoever opens it for writing waits for a reader.
  const fresh = join(generations, 'new')
  await execa('mkfifo', [fresh])
  await project.edit('mcpctl.yaml', 'servers: [beta]', 'servers: [beta, alpha]')
  await waitFor(async () => (await project.group('two')).servers.length === 2)
  process.kill(first.supervisor.pid, 'SIGKILL')
  await waitFor(() => !isAlive(first.supervisor.pid))
  expect(await readdir(generations)).not.toContain('2.json')
  await rm(fresh)
  return project
}

async function stateOf(folder: string): Promise<string> {
  const home = join(folder, '.state')
  const found = await readdir(home, { recursive: true })
  const generations = found.find((path) => path.endsWith('generations'))
  if (generations === undefined) throw new Error(`no generations in ${found}`)
  return join(home, generations, '..')
}

test('R-16: killed before what is in force was written down, the file wins', async () => {
  await using project = await killedUnwritten()
  await project.ok(['up', '-d', '--wait'])
  expect((await project.group('two')).servers.map(({ name }) => name)).toEqual(['beta', 'alpha'])
  expect((await project.status()).config).toMatchObject({ generation: 2, state: 'current' })
})

test('R-16: killed before what is in force was written down, the last good one is there for a broken file', async () => {
  await using project = await killedUnwritten()
  await project.edit('mcpctl.yaml', 'servers: [beta, alpha]', 'servers: [beta')
  const refused = await project.run(['up', '-d', '--wait'])
  expect(refused).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('mcpctl up --resume') })
  const resumed = await project.ok(['up', '-d', '--wait', '--resume'])
  expect(resumed.stderr).toContain('running generation 1')
  const stale = await project.status()
  expect(stale.config.state).toBe('stale')
  expect(stale.groups.map(({ state, servers }) => [state, servers.length])).toEqual([
    ['ready', 3],
    ['ready', 1],
  ])
  await project.edit('mcpctl.yaml', 'servers: [beta', 'servers: [beta]')
  await waitFor(async () => (await project.status()).config.state === 'current')
})

test('R-20: an include that becomes cyclic is rejected', async () => {
  await using project = await running({ 'more.yaml': 'version: 1\nx-more: 1\n' })
  const before = (await project.status()).groups
  await project.temp.write({ 'more.yaml': 'version: 1\ninclude: [mcpctl.yaml]\n' })
  await project.edit('mcpctl.yaml', 'version: 1', 'version: 1\ninclude: [more.yaml]')
  const stale = await waitFor(async () => {
    const status = await project.status()
    return status.config.state === 'stale' ? status : undefined
  })
  expect(stale.config.problems[0]?.message).toContain('include each other')
  expect(stale.groups).toEqual(before)
})

test('a required server that does not come up rejects the reload; one that is not keeps its old one meanwhile', async () => {
  await using project = await running()
  const before = await project.pidsOf('one')
  const dead = '{ command: /nonexistent/program }'
  await project.edit('mcpctl.yaml', 'servers: [alpha, keyed', `servers: [{ ref: gone, required: true }, alpha, keyed`)
  await project.edit('mcpctl.yaml', 'servers:\n', `servers:\n  gone: ${dead}\n`)
  const rejected = await project.run(['reload'])
  expect(rejected).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('"gone"') })
  expect(await project.pidsOf('one')).toEqual(before)
  await project.edit('mcpctl.yaml', '{ ref: gone, required: true }, ', '')
  await project.edit('mcpctl.yaml', /alpha: .*/, `alpha: ${dead}`)
  await project.ok(['reload'])
  const alpha = (await project.group('one')).servers.find(({ name }) => name === 'alpha')
  expect(alpha?.state).not.toBe('ready')
  expect(alpha?.lastError).toContain('nonexistent')
  await using client = await connect((await project.group('one')).url)
  const answer = await client.callTool({ name: 'alpha_echo', arguments: { text: 'still' } })
  expect(answer.content).toEqual([{ type: 'text', text: 'still' }])
})
