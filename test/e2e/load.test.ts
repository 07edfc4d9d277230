import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ChaosScript, chaosCommand, chaosServer } from '../helpers/chaos.ts'
import { Crew, quantile } from '../helpers/crew.ts'
import { type Message, rawSession } from '../helpers/mcp.ts'
import { freePort } from '../helpers/ports.ts'
import { makeProject, type Project, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

// The load cases whose essence takes seconds; those at full size are in test/soak.

const MIB = 1024 * 1024

function chaosEntry(script: ChaosScript): string {
  const { command, args } = chaosCommand(script)
  return `{ command: ${command}, args: ${JSON.stringify(args)} }`
}

interface GroupSet {
  readonly servers: Readonly<Record<string, string>>
  readonly port: number
}

function setOf({ servers, port }: GroupSet): string {
  const entries = Object.entries(servers).map(([name, entry]) => `  ${name}: ${entry}`)
  return `version: 1\nservers:\n${entries.join('\n')}\ngroups:\n  all: { port: ${port}, servers: [${Object.keys(servers)}] }\n`
}

async function upWith(servers: GroupSet['servers']): Promise<Project> {
  const project = await makeProject({ 'mcpctl.yaml': setOf({ servers, port: await freePort() }) })
  await project.ok(['up', '-d', '--wait'])
  return project
}

/** The most memory a process ever had, in bytes. */
function peakOf(pid: number | null): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

test('L-02: 50 servers of 1,000 tools are listed from memory, page by page, in bounded memory', async () => {
  await using chaos = await chaosServer('http', { tools: 1000 })
  const names = Array.from({ length: 50 }, (_, index) => `s${index}`)
  await using project = await upWith(
    Object.fromEntries(names.map((name) => [name, `{ url: "${chaos.url}?of=${name}", transport: http }`])),
  )
  const group = await project.group('all')
  expect(group.servers.map(({ tools }) => tools)).toEqual(names.map(() => 1000))
  const session = await rawSession(group.url)
  const list = () => walk((cursor) => session.ask('tools/list', cursor === undefined ? {} : { cursor }))
  expect((await list()).count).toBe(50_000)
  // As fast as this now and then: what else this machine does is none of its business.
  await waitFor(async () => (await list()).first < 100, 20_000)
  await waitFor(async () => (await list()).whole < 1_000, 20_000)
  expect(peakOf(group.pid)).toBeLessThan(600 * MIB)
})

/** Reads a list to its end. */
async function walk(ask: (cursor: unknown) => Promise<Message[]>) {
  const began = performance.now()
  let count = 0
  let first = 0
  let cursor: unknown
  do {
    const [page] = await ask(cursor)
    first ||= performance.now() - began
    const tools = page?.result?.tools
    count += Array.isArray(tools) ? tools.length : Number.NaN
    cursor = page?.result?.nextCursor
  } while (cursor !== undefined)
  return { count, first, whole: performance.now() - began }
}

test.each(['legacy', 'modern'] as const)(
  'L-05: while servers crash no caller gets the answer of another, nor hangs: %s',
  async (era) => {
    await using project = await upWith({
      a: chaosEntry({ seed: 1, on: [{ on: 'tools/call', every: 40, delay: 5, exit: 1 }] }),
      b: chaosEntry({ seed: 2, on: [{ on: 'tools/call', every: 60, write: '{"jsonrpc":"2.0","id":', exit: 1 }] }),
      c: chaosEntry({ on: [{ on: 'tools/call', every: 3, delay: 20 }] }),
    })
    const { url, pid } = await project.group('all')
    const crew = new Crew({ url, era, callers: 40, tools: ['a_echo', 'b_echo', 'c_echo'], pace: 20 })
    await waitFor(() => crew.succeeded > 600 && crew.failures.length > 0, 20_000)
    await crew.stop()
    expect(crew.failures.filter(({ how }) => how !== 'rpc -31001')).toEqual([])
    expect(crew.failures.filter(({ tool }) => tool === 'c_echo')).toEqual([])
    expect((await project.group('all')).pid).toBe(pid)
  },
)

test('L-09: 15 results of 10 MB at a time take no more memory than they are', async () => {
  await using chaos = await chaosServer('http', { on: [{ on: 'tools/call', bytes: 10_000_000 }] })
  await using project = await upWith({ far: `{ url: "${chaos.url}", transport: http }` })
  const { url, pid } = await project.group('all')
  const session = await rawSession(url)
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'far_echo', arguments: {} } }
  const sizes = await Promise.all(
    Array.from({ length: 15 }, async (_, id) => {
      const response = await session.send({ ...body, id: id + 1 })
      return (await response.arrayBuffer()).byteLength
    }),
  )
  expect(Math.min(...sizes)).toBeGreaterThan(10_000_000)
  expect(peakOf(pid)).toBeLessThan(0.45 * 1024 * MIB)
})

test('L-11: a noisy server does not slow down its neighbours', async () => {
  const flood = { message: { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }, rate: 1_000 } as const
  const logs = { message: { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } } }
  await using project = await upWith({
    calm: stdioServer('echo'),
    noisy: chaosEntry({
      capabilities: { tools: { listChanged: true }, logging: {} },
      on: [
        { on: 'tools/call:noise', flood, never: true },
        { on: 'tools/call:chatter', flood: { ...logs, rate: 1_000 }, never: true },
      ],
    }),
  })
  const { url, pid } = await project.group('all')
  const quiet = await tailOf(url)
  const session = await rawSession(url)
  const shouting = ['noise', 'chatter'].map((tool, id) =>
    session.ask('tools/call', { name: `noisy_${tool}`, arguments: {} }, id + 10).catch(() => []),
  )
  // The best of a few: what else this machine does is not the neighbour's doing.
  const loud = await Promise.all([tailOf(url)])
  for (let tries = 0; tries < 4 && Math.min(...loud) > quiet * 1.2; tries++) loud.push(await tailOf(url))
  expect(Math.min(...loud)).toBeLessThan(Math.max(quiet * 1.2, quiet + 5))
  expect((await project.group('all')).pid).toBe(pid)
  await project.ok(['down'])
  await Promise.all(shouting)
})

/** The 99th percentile of calls to the calm server, in milliseconds. */
async function tailOf(url: string): Promise<number> {
  const crew = new Crew({ url, era: 'legacy', callers: 4, tools: ['calm_echo'], pace: 5 })
  await waitFor(() => crew.succeeded > 200, 20_000)
  await crew.stop()
  expect(crew.failures).toEqual([])
  return quantile(crew.durations, 0.99)
}

test('L-12: no failing server has more than ten lines a second said about it, nor 200 of its own', async () => {
  const began = performance.now()
  const unknown = '{"jsonrpc":"2.0","id":"nobody","result":{}}\n'
  await using project = await upWith({
    dies: chaosEntry({ exit: 1 }),
    leaves: chaosEntry({ on: [{ on: 'notifications/initialized', exit: 0 }] }),
    babbles: chaosEntry({ on: [{ on: 'notifications/initialized', flood: { text: 'what?\n', rate: 2_000 } }] }),
    answers: chaosEntry({ on: [{ on: 'notifications/initialized', flood: { text: unknown, rate: 2_000 } }] }),
    mutters: chaosEntry({ on: [{ on: 'tools/call', stderr: 20 * MIB }] }),
    nowhere: '{ url: "http://127.0.0.1:9/mcp", transport: http }',
  })
  const session = await rawSession((await project.group('all')).url)
  await session.ask('tools/call', { name: 'mutters_echo', arguments: {} })
  const crew = new Crew({
    url: (await project.group('all')).url,
    era: 'legacy',
    callers: 4,
    tools: ['dies_echo', 'nowhere_echo'],
  })
  await waitFor(() => crew.failures.length > 1_000, 20_000)
  await crew.stop()
  const seconds = (performance.now() - began) / 1_000
  const { stdout } = await project.ok(['logs', '-n', '100000', '--json'])
  const records: LogRecord[] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const ours = records.filter(({ msg }) => msg !== 'server stderr')
  const theirs = records.filter(({ msg }) => msg === 'server stderr')
  expect([...counted(ours, ({ server }) => server)].filter(([, lines]) => lines > 10 * seconds)).toEqual([])
  // What a server says itself is its own log, and bounded by the second.
  expect(theirs.length).toBeLessThanOrEqual(200 * (seconds + 1))
})

interface LogRecord {
  readonly server?: string
  readonly time: string
  readonly msg: string
}

function counted<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return counts
}
