import { setTimeout as delay } from 'node:timers/promises'
import { Crew, type Failure } from '../helpers/crew.ts'
import { type ReadEvents, readEvents } from '../helpers/events.ts'
import { rawSession } from '../helpers/mcp.ts'
import { headOf, requestOf } from '../helpers/modern.ts'
import { Random } from '../helpers/random.ts'
import { doHarm, explains, type Fault } from './faults.ts'
import { type GroupName, type Usage, usageOf, type World, world } from './world.ts'

export interface MixOptions {
  readonly minutes: number
  readonly seed: number
}

export interface MixReport {
  readonly minutes: number
  readonly seed: number
  readonly calls: number
  readonly failures: number
  /** By what was done, how often. */
  readonly faults: Readonly<Record<string, number>>
  /** By how calls failed, how often. */
  readonly failed: Readonly<Record<string, number>>
  readonly unexplained: readonly (Failure & { readonly group: string })[]
  readonly reloads: number
  /** `ended`: with a last message that says so; `dropped`: without. */
  readonly streams: Readonly<Record<'opened' | 'ended' | 'dropped' | 'unexplained', number>>
  /** Medians of the first third and the last, by process. */
  readonly usage: readonly UsageRow[]
}

interface UsageRow {
  readonly process: string
  readonly first: Usage
  readonly last: Usage
}

const groups = ['local', 'remote', 'steady'] as const

/** Moderate load with random faults for so many minutes; ends what it started. */
export async function mix({ minutes, seed }: MixOptions): Promise<MixReport> {
  await using there = await world()
  const over = new AbortController()
  const crews = crewsOf(there)
  const streams = new Streams(there)
  const until = performance.now() + minutes * 60_000
  const going = () => performance.now() < until
  const faults: Fault[] = []
  const meter = new Meter(there, minutes)
  const [reloads] = await Promise.all([
    reloading(there, going),
    harming(there, { faults, going, random: new Random(seed) }),
    meter.run(going),
    streams.run(going),
  ])
  over.abort()
  await Promise.all(crews.map(({ crew }) => crew.stop()))
  await streams.close()
  const unexplained = crews.flatMap(({ group, crew }) =>
    crew.failures.filter((failure) => !explains(faults, group, failure)).map((failure) => ({ ...failure, group })),
  )
  const failures = crews.flatMap(({ crew }) => crew.failures)
  return {
    minutes,
    seed,
    calls: failures.length + crews.reduce((sum, { crew }) => sum + crew.succeeded, 0),
    failures: failures.length,
    faults: countBy(faults.map(({ what }) => what)),
    failed: countBy(failures.map(({ how }) => how)),
    unexplained: unexplained.slice(0, 50),
    reloads,
    streams: streams.report(faults),
    usage: meter.rows(),
  }
}

function crewsOf({ urls }: World): { readonly group: GroupName; readonly crew: Crew }[] {
  const legacy = { era: 'legacy', callers: 4, pace: 40 } as const
  const modern = { era: 'modern', callers: 2, pace: 40 } as const
  const tools = {
    local: ['one_echo', 'two_echo'],
    remote: ['chaos_echo', 'far_echo', 'modern_echo', 'sse_echo'],
    steady: ['one_echo', 'modern_echo', 'twin_echo'],
  }
  return groups.flatMap((group) =>
    [legacy, modern].map((kind) => ({ group, crew: new Crew({ ...kind, url: urls[group], tools: tools[group] }) })),
  )
}

/** A save every 5 s: a server more or less, another limit of time, a server with another environment. */
async function reloading(there: World, going: () => boolean): Promise<number> {
  let turn = 0
  while (going()) {
    await delay(5_000)
    turn++
    await there.save({ extra: turn % 2 === 1, turn: Math.floor(turn / 4) })
  }
  return turn
}

interface Harming {
  readonly faults: Fault[]
  readonly going: () => boolean
  readonly random: Random
}

async function harming(there: World, { faults, going, random }: Harming): Promise<void> {
  while (going()) {
    await delay(random.between(1_000, 6_000))
    faults.push(await doHarm(there, random))
  }
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

interface OpenStream {
  readonly group: GroupName
  readonly events: ReadEvents
}

/** One legacy stream and one modern subscription for each group; what ends is opened again, and noted. */
class Streams {
  readonly #world: World
  readonly #open = new Set<OpenStream>()
  readonly #drops: { readonly group: GroupName; readonly at: number }[] = []
  #ended = 0
  #opened = 0
  #isOver = false

  constructor(there: World) {
    this.#world = there
  }

  async run(going: () => boolean): Promise<void> {
    await Promise.all(
      groups.flatMap((group) => [
        this.#keep(group, going, () => legacyStream(this.#world.urls[group])),
        this.#keep(group, going, () => modernStream(this.#world.urls[group])),
      ]),
    )
  }

  async close(): Promise<void> {
    this.#isOver = true
    for (const { events } of this.#open) events.abort()
    await Promise.all([...this.#open].map(({ events }) => events.over))
  }

  report(faults: readonly Fault[]): MixReport['streams'] {
    const killed = ({ group, at }: { group: GroupName; at: number }) =>
      faults.some(({ what, ...one }) => what === 'proxy killed' && one.group === group && at >= one.began)
    const unexplained = this.#drops.filter((drop) => !killed(drop)).length
    return { opened: this.#opened, ended: this.#ended, dropped: this.#drops.length, unexplained }
  }

  async #keep(group: GroupName, going: () => boolean, open: () => Promise<ReadEvents>): Promise<void> {
    while (going()) {
      const events = await open().catch(() => undefined)
      if (!events) {
        await delay(100)
        continue
      }
      const one = { group, events }
      this.#opened++
      this.#open.add(one)
      await Promise.race([events.over, whileGoing(going)])
      if (!going() || this.#isOver) return
      this.#open.delete(one)
      // A subscription that is ended in order has its response as the last word.
      if (events.messages.at(-1)?.id !== undefined) this.#ended++
      else this.#drops.push({ group, at: performance.now() })
    }
  }
}

async function whileGoing(going: () => boolean): Promise<void> {
  while (going()) await delay(250)
}

async function legacyStream(url: string): Promise<ReadEvents> {
  const session = await rawSession(url)
  return readEvents(url, { headers: { accept: 'text/event-stream', 'mcp-session-id': session.id } })
}

async function modernStream(url: string): Promise<ReadEvents> {
  const request = requestOf('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const head = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  return readEvents(url, { method: 'POST', headers: { ...head, ...headOf(request) }, body: JSON.stringify(request) })
}

/** What the supervisor and the proxies have, sampled all the time. */
class Meter {
  readonly #world: World
  readonly #everyMs: number
  readonly #samples = new Map<string, Usage[]>()

  constructor(there: World, minutes: number) {
    this.#world = there
    this.#everyMs = Math.min(5_000, (minutes * 60_000) / 60)
  }

  async run(going: () => boolean): Promise<void> {
    while (going()) {
      await delay(this.#everyMs)
      this.#note('supervisor', await this.#world.supervisorPid())
      for (const group of groups) this.#note(`proxy ${group}`, (await this.#world.group(group)).pid)
    }
  }

  #note(name: string, pid: number | null): void {
    const usage = pid === null ? undefined : usageOf(pid)
    if (usage) this.#samples.set(name, [...(this.#samples.get(name) ?? []), usage])
  }

  rows(): UsageRow[] {
    return [...this.#samples].map(([process, samples]) => {
      const third = Math.floor(samples.length / 3)
      return { process, first: median(samples.slice(0, third)), last: median(samples.slice(-third)) }
    })
  }
}

function median(samples: readonly Usage[]): Usage {
  const middle = (field: keyof Usage) =>
    samples.map((sample) => sample[field]).toSorted((a, b) => a - b)[samples.length >> 1] ?? 0
  return { rss: middle('rss'), fds: middle('fds') }
}
