import { setTimeout as delay } from 'node:timers/promises'
import { LIFE, MARKER } from '../shared/marker.ts'
import { allPids, factsOf, isAlive, signal, variableOf } from './procfs.ts'

export interface SweepOptions {
  /** The state folder: what carries another one's marker is not ours. */
  readonly owner: string
  /** Between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number
  /** Only what was behind this proxy; everything with the marker when absent. */
  readonly life?: string
}

/** Killing takes rounds, since what is being ended may start something first. */
const ROUNDS = 5

/**
 * Ends marked processes that nobody looks after any more, also those that left their process group or outlived their
 * parents. The caller sees to it that no living proxy is among them. Resolves with the pids that had to be killed.
 */
export async function sweep(options: SweepOptions): Promise<readonly number[]> {
  const polite = leftovers(options)
  for (const pid of polite) end(pid, 'SIGTERM')
  await gone(polite, options.graceMs)
  const killed: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const stubborn = leftovers(options)
    if (stubborn.length === 0) break
    for (const pid of stubborn) if (signal(pid, 'SIGKILL')) killed.push(pid)
    await gone(stubborn, 500)
  }
  return [...new Set(killed)]
}

function leftovers({ owner, life }: SweepOptions): readonly number[] {
  const spared = ancestry()
  return allPids().filter((pid) => {
    if (spared.has(pid) || variableOf(pid, MARKER) !== owner) return false
    if (life !== undefined && variableOf(pid, LIFE) !== life) return false
    return factsOf(pid)?.zombie === false
  })
}

/** Ourselves and those we were started by: mcpctl may be run from inside a server that it runs. */
function ancestry(): ReadonlySet<number> {
  const found = new Set<number>()
  for (let pid = process.pid; pid > 0 && !found.has(pid); pid = factsOf(pid)?.parent ?? 0) found.add(pid)
  return found
}

/** A stopped process receives its signal only when it continues. */
function end(pid: number, name: NodeJS.Signals): void {
  signal(pid, name)
  signal(pid, 'SIGCONT')
}

async function gone(pids: readonly number[], ms: number): Promise<void> {
  const deadline = performance.now() + ms
  while (pids.some(isAlive) && performance.now() < deadline) await delay(20)
}
