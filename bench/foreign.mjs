import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { allPids, ticksOf } from './usage.mjs'

const TICKS_PER_SECOND = 100
/** In the environment of everything the benchmark starts, so that its own work is told from that of others. */
export const MARK = 'MCPCTL_BENCH'

/**
 * Starts watching what others do on this machine. The function it gives ends the watch with the share of the machine's CPU
 * time, 0 to 1, that went to processes which do not carry the mark of this benchmark (or to other virtual machines).
 */
export function watchForeign() {
  const started = performance.now()
  const before = usedTicks()
  return () => {
    const after = usedTicks()
    const capacity = ((performance.now() - started) / 1000) * TICKS_PER_SECOND * availableParallelism()
    return Math.max(0, after.all - before.all - (after.own - before.own)) / capacity
  }
}

/** The ticks of the whole machine but for idling, and those of our own processes. */
function usedTicks() {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1')
    .split('\n')[0]
    .split(/ +/)
    .slice(1)
    .map(Number)
  const own = allPids()
    .filter(isOwn)
    .reduce((sum, pid) => sum + ticksOrNone(pid), 0)
  return { all: user + nice + system + irq + softirq + steal, own }
}

/** Or of one of ours: a proxy is given little of the environment it comes from, so the mark is its supervisor's. */
function isOwn(pid) {
  if (pid <= 1) return false
  return pid === process.pid || isMarked(pid) || isOwn(parentOf(pid))
}

function isMarked(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${process.pid}\0`)
  } catch {
    // It ended in between, or belongs to another user.
    return false
  }
}

function parentOf(pid) {
  try {
    return ticksOf(pid).parent
  } catch {
    // It ended in between.
    return 0
  }
}

function ticksOrNone(pid) {
  try {
    return ticksOf(pid).all
  } catch {
    // It ended in between.
    return 0
  }
}
