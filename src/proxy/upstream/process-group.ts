import { readdirSync, readFileSync } from 'node:fs'
import { pause } from '../../shared/async.ts'

/** How long each stage of a stop may take, in milliseconds. */
export interface Stages {
  /** From the end of stdin to SIGTERM. */
  readonly eof: number
  /** From SIGTERM to SIGKILL. */
  readonly term: number
  /** From SIGKILL to giving up: only a process stuck in the kernel gets that far. */
  readonly kill: number
}

const POLL_MS = 20

/**
 * Waits for a process group to empty after its stdin was closed, then asks with SIGTERM, then insists with SIGKILL.
 * Resolves with whether the group is gone. A stopped process is continued, so that it can see the SIGTERM.
 */
export async function stopGroup(leader: number, stages: Stages): Promise<boolean> {
  if (await isGone(leader, stages.eof)) return true
  signalGroup(leader, 'SIGTERM')
  signalGroup(leader, 'SIGCONT')
  if (await isGone(leader, stages.term)) return true
  signalGroup(leader, 'SIGKILL')
  return isGone(leader, stages.kill)
}

async function isGone(leader: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms
  while (hasMembers(leader)) {
    if (performance.now() >= deadline) return false
    await pause(POLL_MS)
  }
  return true
}

/** Whether the group has a living member. Zombies do not count: some containers' first process never reaps them. */
function hasMembers(leader: number): boolean {
  if (!signalGroup(leader, 0)) return false
  if (process.platform !== 'linux') return true
  // Mostly it is the leader that takes its time: looking at all processes blocks, and there are many.
  return (
    isMember(String(leader), leader) ||
    readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && isMember(entry, leader))
  )
}

function isMember(pid: string, leader: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state !== 'Z' && Number(group) === leader
  } catch {
    // Gone between listing and reading.
    return false
  }
}

/** False when there is no such group. Windows has no groups: there the signal goes to the process alone. */
function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(process.platform === 'win32' ? leader : -leader, signal)
  } catch (error) {
    // EPERM means that somebody is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
