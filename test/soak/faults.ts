import { setTimeout as delay } from 'node:timers/promises'
import type { Failure } from '../helpers/crew.ts'
import { rawSession } from '../helpers/mcp.ts'
import { isAlive } from '../helpers/processes.ts'
import type { Random } from '../helpers/random.ts'
import type { GroupName, World } from './world.ts'

/** Something done to the world, and which failures it may explain. */
export interface Fault {
  readonly what: string
  readonly group: GroupName | 'none'
  /** Tools whose names begin like this; all without it. */
  readonly tools?: string
  /** How a call may fail for it. */
  readonly as: RegExp
  readonly began: number
  /** When it was over, as far as the one who did it can say. */
  readonly ended: number
}

type Doing = Omit<Fault, 'began' | 'ended'> & Partial<Pick<Fault, 'began'>>
type Act = (world: World, random: Random) => Promise<Doing>

/** A server that is gone, is being reached for, or did not answer in time. */
const UNAVAILABLE = /^rpc -3100[1236]$/
/** What was inside a process that was killed. */
const INSIDE = /^transport (?:ECONNRESET|UND_ERR_SOCKET|EPIPE|cut)$/
const NOTHING = /^$/

/** After a fault the world may take so long to be whole again: a server's first waits are up to a few seconds. */
const RECOVERY_MS = 6_000

const acts: readonly [Act, ...Act[]] = [
  killProxy('local'),
  killProxy('remote'),
  killServer,
  crashServer,
  forgetSessions,
  stall,
  reset,
  plannedRestart('local'),
  plannedRestart('remote'),
  plannedRestart('steady'),
]

/** Does one thing at random and says what. */
export async function doHarm(world: World, random: Random): Promise<Fault> {
  const began = performance.now()
  const doing = await random.pick(acts)(world, random)
  return { began, ...doing, ended: performance.now() }
}

/** Whether one of the faults accounts for the failure. */
export function explains(faults: readonly Fault[], group: GroupName, failure: Failure): boolean {
  return faults.some(
    (fault) =>
      fault.group === group &&
      fault.as.test(failure.how) &&
      (fault.tools === undefined || failure.tool.startsWith(fault.tools)) &&
      failure.ended >= fault.began &&
      failure.began <= fault.ended + RECOVERY_MS,
  )
}

function killProxy(group: GroupName): Act {
  return async (world) => {
    const { pid, state } = await world.group(group)
    // One that has just started would be backed off from, which is another case.
    if (pid === null || (state !== 'ready' && state !== 'degraded')) return { what: 'none', group: 'none', as: NOTHING }
    await delay(2_500)
    const began = performance.now()
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    return { what: 'proxy killed', group, began, as: new RegExp(`${INSIDE.source}|${UNAVAILABLE.source}`) }
  }
}

/** Its own pid only: what is inside it dies with it. */
async function killServer(world: World): Promise<Doing> {
  const server = (await world.group('local')).servers.find(({ name }) => name === 'one')
  if (server?.pid && isAlive(server.pid)) process.kill(server.pid, 'SIGKILL')
  return { what: 'server killed', group: 'local', tools: 'one_', as: UNAVAILABLE }
}

async function crashServer(world: World): Promise<Doing> {
  const session = await rawSession(world.urls.local)
  await session.ask('tools/call', { name: 'two_crash', arguments: {} }).catch(() => {})
  return { what: 'server crashed', group: 'local', tools: 'two_', as: UNAVAILABLE }
}

/** Nobody may notice. */
async function forgetSessions(world: World): Promise<Doing> {
  await world.chaos.forget()
  return { what: 'sessions forgotten', group: 'remote', as: NOTHING }
}

async function stall(world: World, random: Random): Promise<Doing> {
  world.between.trouble = 'stall'
  await delay(random.between(200, 2_000))
  world.between.trouble = 'none'
  return { what: 'network stalled', group: 'remote', tools: 'far_', as: UNAVAILABLE }
}

async function reset(world: World): Promise<Doing> {
  world.between.reset()
  return { what: 'connections reset', group: 'remote', tools: 'far_', as: UNAVAILABLE }
}

/** Nobody may notice. */
function plannedRestart(group: GroupName): Act {
  return async (world) => {
    await world.client.ask('restart', { groups: [group] })
    return { what: 'planned restart', group, as: NOTHING }
  }
}
