import type { Answers, Bodies, ControlEvent, LogRecord, RouteName } from './protocol.ts'

export interface LogQuery {
  readonly group?: string
  readonly server?: string
  /** Newest records first sent; default 100. */
  readonly tail?: number
  readonly follow?: boolean
}

/** The CLI's end of the control API. Every call throws McpctlError `unreachable` when no supervisor answers. */
export class ControlClient {
  readonly socket: string

  constructor(socket: string) {
    this.socket = socket
  }

  async ask<R extends RouteName & keyof Answers>(
    _route: R,
    ..._body: R extends keyof Bodies ? [Bodies[R]] : []
  ): Promise<Answers[R]> {
    throw new Error('ask')
  }

  /** The first event is the present status. Ends when the supervisor does. */
  events(_signal: AbortSignal): AsyncIterable<ControlEvent> {
    throw new Error('events')
  }

  logs(_query: LogQuery, _signal: AbortSignal): AsyncIterable<LogRecord> {
    throw new Error('logs')
  }
}
