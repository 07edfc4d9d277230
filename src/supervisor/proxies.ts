import type { Wish } from '../control/protocol.ts'
import type { DesiredGroup } from '../plan/model.ts'
import type { GroupUpdate } from '../proxy/protocol.ts'
import { Child } from './child.ts'
import type { Draft } from './prepare.ts'
import { proxyEnv } from './proxy-env.ts'
import type { Surroundings } from './surroundings.ts'

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
  readonly now: () => number
  readonly inForce: () => Basis
}

/** What a proxy has prepared. */
interface Coming {
  readonly hash: string
  readonly generation: number
}

/** How proxies are started and configured: with what is in force at that moment, unless it is for what is coming. */
export function proxies(options: ProxiesOptions): Pick<Surroundings, 'spawn' | 'prepare' | 'commit'> {
  const { file, owner, sessionKey, now, inForce } = options
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
    spawn(desired, { socket, events, basis = inForce() }) {
      const { project, name, secrets } = basis.resolution.profile
      const start = {
        type: 'start',
        generation: ++generations,
        group: desired.group,
        listen: socket.listen,
        ...{ project, profile: name, owner, sessionKey },
        secrets,
        logLevel: 'info',
      } as const
      const child = new Child({ file, env: proxyEnv(basis.wish.env, owner), socket, start, events, now })
      told.set(child, desired)
      return child
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
