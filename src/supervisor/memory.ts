import { pause } from '../shared/async.ts'
import type { Child } from './child.ts'
import { residentBytes } from './procfs.ts'
import type { Timing } from './timing.ts'

export interface WatchOptions extends Pick<MemoryOptions, 'limit' | 'timing'> {
  readonly child: Pick<Child, 'pid' | 'ended'>
  /** Called with a sentence, each time it has been above its limit for too long. */
  readonly outgrown: (reason: string) => void
}

/** Watches the proxy until it ends. */
export async function watchMemory({ child, outgrown: tell, ...options }: WatchOptions): Promise<void> {
  const over = new AbortController()
  void child.ended.then(() => over.abort())
  for (;;) {
    const bytes = await outgrown({ ...options, pid: child.pid, signal: over.signal })
    if (bytes === undefined) return
    tell(`proxy takes ${mebibytes(bytes)} of memory, its limit is ${mebibytes(options.limit())}`)
  }
}

interface MemoryOptions {
  readonly pid: number
  /** Bytes; asked anew each time, since a reload may change it. */
  readonly limit: () => number
  readonly timing: Timing['memory']
  /** Ends the watch. */
  readonly signal: AbortSignal
}

/**
 * Resolves with the resident bytes of the process once it was above the limit at every look for too long; undefined when
 * the watch ends, or where the system does not tell. It is the supervisor that looks: a process in trouble may not.
 */
async function outgrown({ pid, limit, timing, signal }: MemoryOptions): Promise<number | undefined> {
  const most = Math.max(1, Math.ceil(timing.tooLong / timing.every))
  for (let looks = 0; !signal.aborted; ) {
    await pause(timing.every, signal)
    const bytes = residentBytes(pid)
    if (bytes === undefined || signal.aborted) return undefined
    looks = bytes > limit() ? looks + 1 : 0
    if (looks >= most) return bytes
  }
  return undefined
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`
}
