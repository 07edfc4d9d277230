import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Parses } from '../config/parses.ts'
import { watchFiles } from '../config/watch.ts'
import { type ControlApi, createControlServer } from '../control/server.ts'
import { Hashes } from '../plan/hashes.ts'
import { defer } from '../shared/async.ts'
import { McpctlError, messageOf } from '../shared/errors.ts'
import { type Env, entryFile, packageFolder, type StatePaths, statePaths } from '../shared/paths.ts'
import { Door, type DoorEvents } from './door.ts'
import { Guardian } from './guardian.ts'
import { History } from './history.ts'
import { Logs } from './logs.ts'
import { Ports } from './ports.ts'
import { prepare, restore } from './prepare.ts'
import { Sockets } from './sockets.ts'
import { prepareStateFolder, sessionKey, storedText } from './state-folder.ts'
import { type Outcome, Supervisor } from './supervisor.ts'
import { sweep } from './sweep.ts'
import { type Timing, usualTiming } from './timing.ts'

export interface StartOptions {
  /** The project folder; its state folder's control socket is the lock. */
  readonly folder: string
  /** Only for finding the state folder; profiles are resolved with the environment of each apply. */
  readonly env: Env
  /** Another program that speaks the proxy's protocol; the bundled proxy when absent. */
  readonly proxyFile?: string
  readonly timing?: Partial<Timing>
}

export interface RunningSupervisor {
  /** Resolves when everything has ended, with what had to be killed. */
  readonly ended: Promise<{ readonly killed: readonly number[] }>
  /** Begins the orderly shutdown; a second call forces it. */
  stop(): void
  /** Writes down what nobody caught, and begins the orderly shutdown. */
  fail(error: unknown): void
  /** Reads the files anew, as SIGHUP asks for. */
  reload(): void
}

const LEFTOVER_GRACE_MS = 2_000

/**
 * Binds the control socket and serves it, after whatever an earlier supervisor left behind was ended. Throws McpctlError
 * `conflict` naming the pid when another supervisor has the project.
 */
export async function startSupervisor(options: StartOptions): Promise<RunningSupervisor> {
  const paths = statePaths(options.folder, options.env)
  prepareStateFolder(paths)
  const served = defer<Served>()
  const api = controlApi(served.promise)
  const door = await Door.open({ paths, serve: () => createControlServer(api) })
  try {
    const logs = new Logs(paths.logs)
    const sockets = new Sockets()
    const warnings = warningsOf(sockets)
    const supervisor = createSupervisor({ ...options, paths, logs, sockets, warnings })
    const released = supervisor.ended.finally(() => door.release())
    // Requests that came already have waited for these few lines.
    served.resolve({ supervisor, released })
    logs.log.info('supervisor started', { pid: process.pid, folder: options.folder })
    door.watch(doorEvents(supervisor, logs))
    for (const warning of warnings) logs.log.warn(`supervisor ${warning}`)
    return runningSupervisor(supervisor, { logs, ended: closing(released, door, logs) })
  } catch (error) {
    await door[Symbol.asyncDispose]()
    throw error
  }
}

function doorEvents(supervisor: Supervisor, logs: Logs): DoorEvents {
  return {
    reopened() {
      logs.reopen()
      logs.log.warn('state folder was deleted and is made anew')
    },
    failed(error) {
      logs.log.error('control socket is lost', { error: messageOf(error) })
      // Whom nobody can reach any more must not stay, for it holds ports that nobody could make it give back.
      if (error instanceof McpctlError && error.code === 'conflict') supervisor.end()
    },
  }
}

/** What keeps it from doing all it promises on this system. */
function warningsOf({ canHold }: Sockets): readonly string[] {
  const refused = 'cannot hold sockets on this platform: while a proxy is replaced, its port refuses connections'
  const unreaped = 'runs as PID 1, which does not reap the orphans it is given: start the container with an init'
  return [...(canHold ? [] : [refused]), ...(process.pid === 1 ? [unreaped] : [])]
}

interface RunningParts {
  readonly logs: Logs
  readonly ended: Promise<Outcome>
}

function runningSupervisor(supervisor: Supervisor, { logs, ended }: RunningParts): RunningSupervisor {
  const stop = () => (supervisor.isEnding ? supervisor.force() : supervisor.end())
  return {
    ended,
    stop,
    fail(error) {
      const stack = error instanceof Error ? error.stack : undefined
      logs.log.error('supervisor failed', { error: messageOf(error), stack })
      stop()
    },
    reload: () => supervisor.reloadSoon(),
  }
}

/** A supervisor with the project's lock; `released` resolves once everything has ended and the lock is free. */
interface Served {
  readonly supervisor: Supervisor
  readonly released: Promise<Outcome>
}

interface Parts extends StartOptions {
  readonly paths: StatePaths
  readonly logs: Logs
  readonly sockets: Sockets
  readonly warnings: readonly string[]
}

function createSupervisor({ folder, env, paths, logs, sockets, warnings, proxyFile, timing }: Parts): Supervisor {
  const owner = paths.folder
  const key = sessionKey(paths.key)
  const parses = new Parses()
  const remembered = () => storedText(paths.use)
  const swept = sweep({ owner, graceMs: LEFTOVER_GRACE_MS })
  return new Supervisor({
    name: basename(folder),
    version: version(),
    owner,
    file: proxyFile ?? entryFile('proxy'),
    sessionKey: key,
    logs,
    sockets,
    warnings,
    guardian: new Guardian({ env, owner }),
    timing: { ...usualTiming, ...timing },
    ports: new Ports(paths.ports, sockets),
    // What a killed supervisor left may still have the ports.
    prepare: (wish, before) => swept.then(() => prepare(wish, { remembered, parses, before })),
    restore: (set, wish, before) => swept.then(() => restore(set, wish, { remembered, parses, before })),
    history: new History({ folder: paths.generations, log: logs.log }),
    watch: (sources, options) => watchFiles(sources, { ...options, parses }),
    hashes: new Hashes((text) => createHmac('sha256', key).update(text).digest('hex').slice(0, 16)),
    now: () => performance.now(),
    random: Math.random,
  })
}

function controlApi(served: Promise<Served>): ControlApi {
  const supervisor = served.then((both) => both.supervisor)
  return {
    status: async () => (await supervisor).status(),
    apply: async (wish) => (await supervisor).apply(wish),
    plan: async (wish) => (await supervisor).plan(wish),
    reload: async (how) => (await supervisor).reload(how),
    rollback: async (which) => (await supervisor).rollback(which),
    restart: async (which) => (await supervisor).restart(which),
    start: async (which) => (await supervisor).start(which),
    stop: async (which) => (await supervisor).stop(which),
    down: async () => {
      const both = await served
      both.supervisor.end()
      return both.released
    },
    async *events(signal) {
      yield* (await supervisor).events(signal)
    },
    async *logs(query, signal) {
      yield* (await supervisor).logs(query, signal)
    },
  }
}

async function closing(released: Promise<Outcome>, door: Door, logs: Logs): Promise<Outcome> {
  try {
    return await released
  } finally {
    logs[Symbol.dispose]()
    await door[Symbol.asyncDispose]()
  }
}

function version(): string {
  return JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')).version
}
