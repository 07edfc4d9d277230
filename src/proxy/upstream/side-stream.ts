import { defer, pause } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { type FailureKind, LinkFailure } from './failure.ts'

const SECOND = 1000
/** A stream that lived so long ended in the ordinary course of things. */
export const ROUTINE_MS = 20 * SECOND
const SHORTEST_MS = SECOND
const LONGEST_MS = 300 * SECOND
const LONGEST_BACKOFF_MS = 60 * SECOND

/** What is known of a stream after its end. */
export interface StreamEnd {
  readonly lastId: string | undefined
  readonly retry: number | undefined
}

export interface Stream {
  /** Where an earlier stream ended. */
  readonly lastEventId: string | undefined
  /** What it said about the pause, for as long as this one says nothing else. */
  readonly retry: number | undefined
  readonly signal: AbortSignal
  readonly take: (data: string) => void
  /** Called once the stream is open. */
  readonly opened?: () => void
}

export interface SideStreamOptions {
  /** Resolves at the stream's end; rejects with LinkFailure when there is none. */
  readonly open: (stream: Stream) => Promise<StreamEnd>
  readonly log: Log
  readonly events: {
    received(data: string): void
    gap(): void
    lost(failure: LinkFailure): void
  }
}

/**
 * The GET stream of Streamable HTTP for what belongs to no request. Reopened for as long as the link lives, with
 * growing pauses, so that a server which closes it at once is not stormed and one that was away is heard again.
 */
export class SideStream {
  readonly #options: SideStreamOptions
  readonly #stopping = new AbortController()
  #opens = 0

  constructor(options: SideStreamOptions) {
    this.#options = options
  }

  /** Resolves once the first stream's headers are in, or it is clear that there is none. */
  start(): Promise<void> {
    const first = defer<void>()
    void this.#run(first.resolve)
    return first.promise
  }

  stop(): void {
    this.#stopping.abort(new LinkFailure('ended', 'the stream was closed'))
  }

  async #run(settled: () => void): Promise<void> {
    const { signal } = this.#stopping
    let end: StreamEnd = { lastId: undefined, retry: undefined }
    for (let failures = 0; !signal.aborted; ) {
      const started = performance.now()
      const outcome = await this.#once(end, () => {
        this.#opens++
        if (end.lastId === undefined) this.#options.events.gap()
        settled()
      })
      settled()
      if (signal.aborted || outcome === 'none') return
      if (outcome !== 'failed') end = outcome
      const isRoutine = outcome !== 'failed' && performance.now() - started >= ROUTINE_MS
      failures = isRoutine ? 0 : failures + 1
      await pause(reopenDelay(end.retry, failures, Math.random), signal)
    }
  }

  async #once(last: StreamEnd, opened: () => void): Promise<StreamEnd | 'failed' | 'none'> {
    const { open, events, log } = this.#options
    const { signal } = this.#stopping
    try {
      const take = (data: string): void => events.received(data)
      return await open({ lastEventId: last.lastId, retry: last.retry, signal, take, opened })
    } catch (error) {
      if (signal.aborted) return 'none'
      log.debug('no side stream', { reason: messageOf(error) })
      if (!(error instanceof LinkFailure) || passing.has(error.kind)) return 'failed'
      // Many servers say 404 where 405 is meant; it speaks of the session only where there has been a stream.
      if (error.kind === 'session' && this.#opens > 0) events.lost(error)
      return 'none'
    }
  }
}

/** What is no word on whether there are streams at all. */
const passing: ReadonlySet<string> = new Set<FailureKind>(['unreachable', 'broken', 'busy'])

/** The server's wish, 1 s to 5 min, or the backoff if that is longer; ± 20 % so that streams do not march in step. */
export function reopenDelay(retry: number | undefined, failures: number, random: () => number): number {
  const wished = Math.min(Math.max(retry ?? SHORTEST_MS, SHORTEST_MS), LONGEST_MS)
  const backoff = failures === 0 ? 0 : Math.min(500 * 2 ** failures, LONGEST_BACKOFF_MS)
  return Math.max(Math.max(wished, backoff) * (0.8 + 0.4 * random()), SHORTEST_MS)
}
