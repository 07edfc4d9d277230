import type { Diagnostic } from './diagnostic.ts'

/** Everything that can go wrong, with the exit code of the CLI and the HTTP status of the control API. */
const table = {
  unexpected: { exit: 1, status: 500 },
  usage: { exit: 2, status: 400 },
  auth_required: { exit: 3, status: 502 },
  unreachable: { exit: 4, status: 503 },
  tool_error: { exit: 5, status: 422 },
  config_invalid: { exit: 6, status: 422 },
  not_ready: { exit: 7, status: 504 },
  conflict: { exit: 8, status: 409 },
  threshold: { exit: 9, status: 422 },
  interrupted: { exit: 130, status: 499 },
  terminated: { exit: 143, status: 499 },
} as const satisfies Record<string, { exit: number; status: number }>

export type ErrorCode = keyof typeof table

export interface ErrorFacts {
  /** What to do next, one sentence. */
  readonly hint?: string
  readonly diagnostics?: readonly Diagnostic[]
  readonly cause?: unknown
}

/** The one error class. The message says what failed and with what value; the hint says what to do next. */
export class McpctlError extends Error {
  override readonly name = 'McpctlError'
  readonly code: ErrorCode
  readonly hint: string
  readonly diagnostics: readonly Diagnostic[]

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, { cause: facts.cause })
    this.code = code
    this.hint = facts.hint ?? ''
    this.diagnostics = facts.diagnostics ?? []
  }

  get exit(): number {
    return table[this.code].exit
  }

  get status(): number {
    return table[this.code].status
  }

  /** The `error` member that `--json` prints and the control API answers. */
  toJSON(): ErrorDocument {
    const { code, exit, message, hint, diagnostics } = this
    return { code, exit, message, hint, diagnostics }
  }
}

/** An error as it crosses a process boundary. */
export interface ErrorDocument {
  readonly code: ErrorCode
  readonly exit: number
  readonly message: string
  readonly hint: string
  readonly diagnostics: readonly Diagnostic[]
}

/** The error a document describes, as thrown on the other side of the boundary. */
export function fromDocument(document: ErrorDocument): McpctlError {
  const code = document.code in table ? document.code : 'unexpected'
  return new McpctlError(code, document.message, { hint: document.hint, diagnostics: document.diagnostics })
}

/** Any thrown value as a McpctlError; what is not ours becomes `unexpected` with the original as cause. */
export function asError(thrown: unknown): McpctlError {
  if (thrown instanceof McpctlError) return thrown
  return new McpctlError('unexpected', messageOf(thrown), { cause: thrown })
}

/** The sentence of any thrown value, never its stack. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(messageOf).join('; ')
  if (thrown instanceof Error) return thrown.message
  return String(thrown)
}
