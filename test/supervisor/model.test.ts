import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DesiredGroup } from '../../src/plan/model.ts'
import type { FromProxy, ToProxy } from '../../src/proxy/protocol.ts'
import { createLog } from '../../src/shared/log.ts'
import { Child, type ChildOptions } from '../../src/supervisor/child.ts'
import { Reconciler } from '../../src/supervisor/reconciler.ts'
import { Sockets } from '../../src/supervisor/sockets.ts'
import { usualTiming } from '../../src/supervisor/timing.ts'
import { groupOf } from '../helpers/group.ts'
import { freePort } from '../helpers/ports.ts'
import { waitFor } from '../helpers/wait.ts'

const names = ['fast', 'slow'] as const
const step = fc.record({
  do: fc.constantFrom('start', 'stop', 'restart', 'reload', 'exit', 'hurry'),
  group: fc.constantFrom(...names),
  /** Milliseconds until the next step. */
  pause: fc.constantFrom(0, 0, 0, 1, 4),
})

/** What the model holds of a group: the reality is to be the same in the end. */
interface Wanted {
  readonly running: boolean
  readonly generation: number
  readonly hash: string
}

test('P-26: after any two hundred interleavings each group runs once as it was wished for last, and nobody else', async () => {
  const ports = { fast: await freePort(), slow: await freePort() }
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 20 }),
      fc.infiniteStream(fc.nat(6)),
      async (steps, delays) => {
        await using world = createWorld(ports, () => delays.next().value ?? 0)
        for (const one of steps) {
          world.take(one)
          if (one.pause > 0) await turns(one.pause)
        }
        await waitFor(() => world.isAsWanted())
        expect(world.most).toBeLessThanOrEqual(steps.length + 2)
      },
    ),
    { numRuns: 200, endOnFailure: true },
  )
}, 60_000)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function createWorld(ports: Readonly<Record<(typeof names)[number], number>>, delay: () => number) {
  const processes = new Set<FakeProcess>()
  let most = 0
  const wanted = new Map<string, Wanted>(names.map((name) => [name, { running: true, generation: 0, hash: '0' }]))
  const sockets = new Sockets()
  const reconciler = new Reconciler({
    sockets,
    log: createLog({ level: 'error', write: () => {} }),
    timing: { ...usualTiming, restart: { first: 1, step: 1, longest: 2, probe: 3 } },
    now: () => performance.now(),
    random: () => 0.5,
    line: () => {},
    clean: (text) => text,
    reap: async () => {},
    changed: () => {},
    program: () => 'the same',
    apologise: () => ({ leave: () => {} }),
    drifted: () => {},
    spawn(desired, socket, { events, listenWhen }) {
      const { group } = desired
      const start = { ...unused, type: 'start', group, listen: socket.listen, generation: 1, listenWhen } as const
      const launch = ({ socket: { listen } }: ChildOptions) => {
        const started = new FakeProcess(delay, listen)
        processes.add(started)
        most = Math.max(most, [...processes].filter(({ isAlive }) => isAlive).length)
        return started as unknown as ChildProcess
      }
      return new Child({
        file: '',
        env: {},
        life: '',
        socket,
        start,
        events,
        now: () => performance.now(),
        pulseMs: 60_000,
        launch,
      })
    },
    prepare: async () => [],
    commit: (child, { group }) => child.commit(1, { type: 'prepare', generation: 1, group, secrets: [] }),
  })
  const desire = () => names.map((name) => desiredGroup(name, ports[name], wanted.get(name)))
  const adopt = (name: string, change: Partial<Wanted>) => {
    const before = wanted.get(name) ?? { running: true, generation: 0, hash: '0' }
    wanted.set(name, { ...before, ...change })
    void reconciler.adopt(desire).done
  }
  const alive = () => [...processes].filter(({ isAlive }) => isAlive)
  reconciler.adopt(desire)
  return {
    get most() {
      return most
    },
    take({ do: verb, group }: Step) {
      const { generation = 0, hash = '0' } = wanted.get(group) ?? {}
      if (verb === 'start' || verb === 'stop') adopt(group, { running: verb === 'start' })
      if (verb === 'restart') adopt(group, { running: true, generation: generation + 1 })
      if (verb === 'reload') adopt(group, { hash: `${hash}+` })
      if (verb === 'exit') for (const one of alive().slice(-1)) one.exit(3)
      if (verb === 'hurry') for (const child of reconciler.groups.get(group)?.children ?? []) child.stop(0)
    },
    /** One living process for each group that is to run, known to its group and listening; no other one. */
    isAsWanted() {
      const expected = [...wanted.values()].filter(({ running }) => running).length
      const groups = [...reconciler.groups.values()]
      const known = groups.flatMap(({ children }) => [...children])
      const fits = groups.every(({ name, desired, life }) => {
        const { running, generation, hash } = wanted.get(name) ?? {}
        if (!running) return life.state === 'none'
        return (
          life.state === 'running' &&
          life.child.state.state === 'listening' &&
          desired.hash === hash &&
          desired.generation === generation
        )
      })
      return fits && alive().length === expected && known.length === expected
    },
    async [Symbol.asyncDispose]() {
      await reconciler.end()
      sockets[Symbol.dispose]()
      expect(alive()).toEqual([])
    },
  }
}

const unused = {
  version: '',
  project: '',
  profile: '',
  owner: '',
  sessionKey: '',
  secrets: [],
  logLevel: 'error',
} as const

function desiredGroup(name: string, port: number, wanted: Wanted | undefined): DesiredGroup {
  const { running = true, generation = 0, hash = '0' } = wanted ?? {}
  return { name, running, listen: { host: '127.0.0.1', port }, group: groupOf([]), hash, servers: {}, generation }
}

/** No process has such a pid, so every signal finds nobody: what a stage of an end waits for is there at once. */
let pids = 5_000_000

/** Does what a proxy does, as slowly as it is told to. */
class FakeProcess extends EventEmitter {
  readonly pid = pids++
  readonly stdout = null
  readonly stderr = null
  readonly #delay: () => number
  readonly #listen: { readonly host: string; readonly port: number }
  connected = true
  isAlive = true

  constructor(delay: () => number, listen: { readonly host: string; readonly port: number }) {
    super()
    this.#delay = delay
    this.#listen = listen
  }

  send(message: ToProxy): boolean {
    void turns(this.#delay()).then(() => this.#receive(message))
    return true
  }

  exit(code: number): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.connected = false
    this.emit('disconnect')
    this.emit('exit', code, null)
    this.emit('close')
  }

  #receive(message: ToProxy): void {
    if (message.type === 'start') this.#say({ type: 'listening', ...this.#listen })
    if (message.type === 'commit') this.#say({ type: 'configured', generation: message.generation })
    if (message.type === 'drain') this.exit(0)
  }

  #say(message: FromProxy): void {
    if (this.isAlive) this.emit('message', message)
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
