import { get } from 'node:http'
import type { Listen } from '../plan/model.ts'
import { pause } from '../shared/async.ts'

export interface PulseOptions {
  /** Where the proxy listens at the moment. */
  readonly listen: () => Listen
  /** Between two questions, and the longest wait for an answer, in milliseconds. */
  readonly everyMs: number
  /** Ends the watch. */
  readonly signal: AbortSignal
}

const MISSES = 3

/**
 * Resolves when the process behind the address has let several questions in a row pass without any sign of life, or
 * when the watch ends. A refused or cut connection is such a sign: what hangs does neither. The time we were stopped
 * ourselves costs one question at most.
 */
export async function pulseLost({ listen, everyMs, signal }: PulseOptions): Promise<'lost' | 'ended'> {
  for (let misses = 0; misses < MISSES; ) {
    await pause(everyMs, signal)
    if (signal.aborted) return 'ended'
    misses = (await isAlive(listen(), everyMs)) ? 0 : misses + 1
  }
  return signal.aborted ? 'ended' : 'lost'
}

function isAlive({ host, port }: Listen, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const question = get({ host: reachable(host), port, path: '/livez', agent: false, timeout: ms }, (answer) => {
      answer.resume()
      resolve(true)
    })
    question.once('timeout', () => {
      resolve(false)
      question.destroy()
    })
    question.once('error', () => resolve(true))
  })
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
