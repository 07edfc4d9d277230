import type { ControlClient } from '../../src/control/client.ts'
import type { LogRecord } from '../../src/control/protocol.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import type { Context } from '../context.ts'
import { logLine } from '../log-text.ts'
import { painter } from '../paint.ts'

/** So many records wait while the progress tree has the screen; of more, the oldest are dropped. */
const HELD = 1000

/** The logs of a foreground `up` on stderr, held back until the progress is done. */
export interface LiveLogs extends AsyncDisposable {
  /** Prints what was held and everything after it; resolves when the supervisor has ended. */
  release(): Promise<void>
}

export function followLogs(context: Context, control: ControlClient): LiveLogs {
  const over = new AbortController()
  const paint = painter(context, context.stderr)
  const held: LogRecord[] = []
  let released = false
  const show = (record: LogRecord) => {
    if (!context.flags.quiet && context.flags.output === 'human') context.stderr.write(logLine(record, paint))
  }
  const reading = (async () => {
    for await (const record of control.logs({ follow: true, tail: 0 }, over.signal)) {
      if (released) show(record)
      else held.push(record)
      if (held.length > HELD) held.shift()
    }
  })().catch(ignoreTheEnd)
  return {
    async release() {
      released = true
      for (const record of held.splice(0)) show(record)
      await reading
    },
    async [Symbol.asyncDispose]() {
      over.abort()
      await reading
    },
  }
}

/** The stream breaks off when the supervisor ends; that is how a foreground `up` is over. */
function ignoreTheEnd(error: unknown): void {
  if (error instanceof McpctlError && error.code === 'unreachable') return
  throw error
}
