import type { ControlClient } from '../src/control/client.ts'
import type { ControlEvent, Status } from '../src/control/protocol.ts'
import { type Deferred, defer } from '../src/shared/async.ts'
import { McpctlError } from '../src/shared/errors.ts'

/** Reads the event stream until it is disposed, and remembers the last status in it. */
export interface Follower extends AsyncDisposable {
  /**
   * Resolves with the first status that passes the check, or with the present one once the time is up. Throws
   * `unreachable` when the supervisor ends first.
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
        wake = defer()
        if (over.signal.aborted) return control.ask('status')
        if (end) throw end.error
        if (last && check(last)) {
          // What the stream told may be older than what was done since: the status asked for now is not.
          const now = await control.ask('status')
          if (check(now)) return now
        }
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
  return new McpctlError('unreachable', 'the supervisor ended', { hint: 'start it again with mcpctl up' })
}
