import { readdirSync, readFileSync } from 'node:fs'

const TICK_MICROSECONDS = 10_000
const PAGE_BYTES = 4096

/**
 * The CPU time a living process has used so far, all threads, in microseconds. Linux counts it in nanoseconds where the
 * scheduler's statistics are on, else in ticks of 10 ms.
 */
export function cpuOf(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.reduce((sum, thread) => sum + scheduled(`/proc/${pid}/task/${thread}`), 0)
  } catch {
    return ticksOf(pid).own * TICK_MICROSECONDS
  }
}

const scheduled = (folder) => Number(readFileSync(`${folder}/schedstat`, 'latin1').split(' ')[0]) / 1000

/** The resident memory of a living process in bytes. */
export function rssOf(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
}

/** The parent of a living process, and the CPU ticks of itself (`own`) and of itself with its dead children (`all`). */
export function ticksOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [user, system, deadUser, deadSystem] = fields.slice(11, 15).map(Number)
  return { parent: Number(fields[1]), own: user + system, all: user + system + deadUser + deadSystem }
}

/** Whether the process lives; a zombie does not. */
export function isAlive(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text[text.lastIndexOf(')') + 2] !== 'Z'
  } catch {
    return false
  }
}

/** The pids of all processes of the machine. */
export function allPids() {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}
