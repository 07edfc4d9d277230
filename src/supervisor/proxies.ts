import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Resolution } from '../config/resolve.ts'
import type { Wish } from '../control/protocol.ts'
import type { DesiredGroup } from '../plan/model.ts'
import type { GroupUpdate } from '../proxy/protocol.ts'
import { entryFile } from '../shared/paths.ts'
import { Child } from './child.ts'
import type { Guardian } from './guardian.ts'
import { proxyEnv } from './proxy-env.ts'
import { apologise } from './sorry.ts'
import type { Surroundings } from './surroundings.ts'
import type { Timing } from './timing.ts'

/** What was applied last. */
export interface InForce {
  /** Names the profile that was chosen: a reload stays with it. */
  readonly wish: Wish
  readonly resolution: Resolution
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
  readonly inForce: () => InForce
}

/** How proxies are started and configured: with what is in force at that moment. */
export function proxies(options: ProxiesOptions): Pick<Surroundings, 'spawn' | 'configure' | 'apologise' | 'program'> {
  const { file, owner, sessionKey, version, guardian, timing, now, inForce } = options
  /** What each was told last. */
  const told = new WeakMap<Child, DesiredGroup>()
  return {
    spawn(desired, socket, { listenWhen, events }) {
      const { wish, resolution, generation } = inForce()
      const { project, name, secrets } = resolution.profile
      const { group } = desired
      const who = { project, profile: name, owner, sessionKey }
      const start = {
        type: 'start',
        version,
        generation,
        group,
        listen: socket.listen,
        bindsItself: socket.handle === undefined,
        listenWhen,
        ...who,
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
    configure(child, desired) {
      const { resolution, generation } = inForce()
      const group = groupUpdate(desired, told.get(child))
      told.set(child, desired)
      return child.configure({ type: 'configure', generation, group, secrets: resolution.profile.secrets })
    },
  }
}

/** The group with the names alone of servers that are as they were before: a thousand others need not travel again. */
function groupUpdate({ group, servers }: DesiredGroup, before: DesiredGroup | undefined): GroupUpdate {
  const isAsBefore = (name: string) => before !== undefined && before.servers[name] === servers[name]
  return { ...group, servers: group.servers.map((server) => (isAsBefore(server.name) ? server.name : server)) }
}
