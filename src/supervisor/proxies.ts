import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Wish } from '../control/protocol.ts'
import type { DesiredGroup } from '../plan/model.ts'
import type { GroupUpdate } from '../proxy/protocol.ts'
import { entryFile } from '../shared/paths.ts'
import { Child } from './child.ts'
import type { Guardian } from './guardian.ts'
import type { Draft } from './prepare.ts'
import { proxyEnv } from './proxy-env.ts'
import { retriesAtOnce } from './share.ts'
import { apologise } from './sorry.ts'
import type { Surroundings } from './surroundings.ts'
import type { Timing } from './timing.ts'

/** What proxies are told beside their group. */
export interface Basis {
  /** Names the profile that was chosen: a reload stays with it. */
  readonly wish: Wish
  readonly resolution: Draft
}

/** What was applied last. */
export interface InForce extends Basis {
  readonly generation: number
  readonly hash: string
}

export interface ProxiesOptions {
  /** The proxy's entry file. */
  readonly file: string
  /** The absolute state folder. */
  readonly owner: string
  readonly sessionKey: string
  /** Of this program: that of its proxies must be the same. */
  readonly version: string
  readonly guardian: Guardian
  readonly timing: Timing
  readonly now: () => number
  readonly inForce: () => Basis
}

/** What a proxy has prepared. */
interface Coming {
  readonly hash: string
  readonly generation: number
}

type Proxies = Pick<Surroundings, 'spawn' | 'prepare' | 'commit' | 'apologise' | 'program'>

/** How proxies are started and configured: with what is in force at that moment, unless it is for what is coming. */
export function proxies(options: ProxiesOptions): Proxies {
  const { file, owner, sessionKey, version, guardian, timing, now, inForce } = options
  /** What each has in force. */
  const told = new WeakMap<Child, DesiredGroup>()
  const coming = new WeakMap<Child, Coming>()
  let generations = 0
  const preparation = (child: Child, desired: DesiredGroup, { resolution }: Basis) => {
    const generation = ++generations
    const group = groupUpdate(desired, told.get(child))
    return { type: 'prepare', generation, group, secrets: resolution.profile.secrets } as const
  }
  return {
    spawn(desired, socket, { listenWhen, events, basis = inForce() }) {
      const { wish, resolution } = basis
      const { project, name, secrets, groups } = resolution.profile
      const { group } = desired
      const who = { project, profile: name, owner, sessionKey }
      const start = {
        type: 'start',
        version,
        generation: ++generations,
        group,
        listen: socket.listen,
        bindsItself: socket.handle === undefined,
        listenWhen,
        ...who,
        retriesAtOnce: retriesAtOnce(groups.length),
        secrets,
        logLevel: 'info',
      } as const
      const env = proxyEnv(wish.env, owner)
      const child = new Child({ file, env, life: randomUUID(), socket, start, events, now, pulseMs: timing.pulse })
      guardian.guard(child.pid, child.ended)
      told.set(child, desired)
      return child
    },
    apologise: (socket, ms) =>
      apologise({ file: entryFile('sorry'), env: proxyEnv(inForce().wish.env, owner), socket, ms }),
    program() {
      const stat = statSync(file, { throwIfNoEntry: false, bigint: true })
      return stat && `${stat.ino}-${stat.mtimeNs}-${stat.size}`
    },
    prepare(child, desired, { basis, signal }) {
      const message = preparation(child, desired, basis)
      const known: Coming = { hash: desired.hash, generation: message.generation }
      coming.set(child, known)
      signal.addEventListener('abort', () => coming.get(child) === known && coming.delete(child), { once: true })
      return child.prepare(message, signal)
    },
    commit(child, desired) {
      const known = coming.get(child)
      // One that came meanwhile has prepared nothing: it connects what is new while the configuration is in force.
      const unprepared = known?.hash === desired.hash ? undefined : preparation(child, desired, inForce())
      coming.delete(child)
      told.set(child, desired)
      return unprepared ? child.commit(unprepared.generation, unprepared) : child.commit(known?.generation ?? 0)
    },
  }
}

/** The group with the names alone of servers that are as they were before: a thousand others need not travel again. */
function groupUpdate({ group, servers }: DesiredGroup, before: DesiredGroup | undefined): GroupUpdate {
  const isAsBefore = (name: string) => before !== undefined && before.servers[name] === servers[name]
  return { ...group, servers: group.servers.map((server) => (isAsBefore(server.name) ? server.name : server)) }
}
