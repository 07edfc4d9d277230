/** Why a link, or one message on it, failed: decides what happens next, so every kind has its own treatment. */
export type FailureKind =
  /** No connection, or it broke before an answer: worth another try. */
  | 'unreachable'
  /** The server went away, or ended the stream that should have carried the answer. */
  | 'ended'
  /** It answers, but not what MCP asks for: wrong content type, too large, no protocol at all. */
  | 'broken'
  /** It forgot the session; what was sent was not executed. */
  | 'session'
  /** It wants (other) credentials. */
  | 'unauthorized'
  /** It does not allow this, whatever else it allows. */
  | 'forbidden'
  /** 429 or 503: it asks for a pause. */
  | 'busy'
  /** It does not know this transport; another one may do. */
  | 'unsuitable'
  /** Nothing that time alone repairs: no such command, wrong host name in the certificate, no common revision. */
  | 'hopeless'

export interface FailureDetail {
  /** What to do next, one sentence. */
  readonly hint?: string
  /** How long the server asked to be left alone, already clamped. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** A failure on the way to or from a server. The message never carries credentials, query strings or server output. */
export class LinkFailure extends Error {
  override readonly name = 'LinkFailure'
  readonly kind: FailureKind
  readonly hint: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(kind: FailureKind, message: string, detail: FailureDetail = {}) {
    super(message, { cause: detail.cause })
    this.kind = kind
    this.hint = detail.hint
    this.retryAfterMs = detail.retryAfterMs
  }

  /** Message and hint as one line, for `lastError` and logs. */
  get sentence(): string {
    return this.hint === undefined ? this.message : `${this.message} (${this.hint})`
  }
}

/** Whether the server answered, but in no way that an era knows. */
export function isNonsense({ kind }: LinkFailure): boolean {
  return kind === 'broken' || kind === 'unsuitable' || kind === 'hopeless'
}
