import type { ControlClient } from '../src/control/client.ts'
import type { ControlEvent, Status } from '../src/control/protocol.ts'
import { type Deferred, defer } from '../src/shared/async.ts'
import { McpctlError } from '../src/shared/errors.ts'

/** Reads the event stream until it is disposed, and remembers the last status in it. */
export interface Follower extends AsyncDisposable {
  /**
   * Resolves with the first status that passes the check, the present one included, or with the last one seen once
   * the time is up. Throws `unreachable` when the supervisor ends first.
   */
  until(check: (status: Status) => boolean): Promise<Status>
}

export interface FollowOptions {
  /** Milliseconds from now. */
  readonly timeout: number
  readonly onEvent: (event: ControlEvent) => void
}

export function follow(control: ControlClient, { timeout, onEvent }: FollowOptions): Follower {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), timeout)
  let last: Status | undefined
  let end: { readonly error: unknown } | undefined
  let wake: Deferred<void> = defer()
  const reading = (async () => {
    try {
      for await (const event of control.events(over.signal)) {
        onEvent(event)
        if (event.type === 'status') last = event.status
        wake.resolve()
      }
      end = { error: gone() }
    } catch (error) {
      // Told to whoever waits: see `until`.
      end = { error }
    }
    wake.resolve()
  })()
  return {
    async until(check) {
      for (;;) {
        if (last && (check(last) || over.signal.aborted)) return last
        if (end) throw over.signal.aborted ? silent(timeout) : end.error
        wake = defer()
        await wake.promise
      }
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      over.abort()
      await reading
    },
  }
}

function gone(): McpctlError {
  return new McpctlError('unreachable', 'the supervisor ended', { hint: 'mcpctl logs shows its last words' })
}

function silent(timeout: number): McpctlError {
  return new McpctlError('unreachable', `the supervisor said nothing within ${timeout} ms`)
}
