import { Pool as UndiciPool } from 'undici'
import type { Signal } from '../../shared/signal.ts'
import { LinkFailure } from './failure.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With query. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: Signal | undefined
}

export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Takes a response body as it comes. Whatever it throws ends the request with that error. */
export interface BodyReader {
  chunk(bytes: Buffer): void
  end(): void
}

/** Ends a request in the middle of its response, with this error. */
export type Cut = (reason: Error) => void

/** All we ask of an HTTP client: one origin, kept connections, bodies pushed as they arrive. */
export interface Pool extends AsyncDisposable {
  /** Resolves at the end of the body; rejects with LinkFailure, or with the reason of the signal. */
  request(request: HttpRequest, open: (head: Head, cut: Cut) => BodyReader): Promise<void>
}

export interface PoolOptions {
  readonly origin: string
  /** How long an unused connection is kept, in milliseconds. */
  readonly idle: number
  /** For TCP and TLS together, in milliseconds. */
  readonly connect: number
}

/**
 * Connections to one origin, each carrying one request at a time. No timeouts on headers or bodies: a tool may think for
 * an hour, and how long it may is the connection's decision, not the socket's.
 */
export function createPool({ origin, idle, connect }: PoolOptions): Pool {
  const pool = new UndiciPool(origin, {
    pipelining: 1,
    connections: null,
    keepAliveTimeout: idle,
    keepAliveMaxTimeout: idle,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: connect, keepAlive: true, keepAliveInitialDelay: 15_000 },
  })
  return {
    request: (request, open) => dispatch(pool, request, open),
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

function dispatch(pool: UndiciPool, request: HttpRequest, open: (head: Head, cut: Cut) => BodyReader): Promise<void> {
  const { method, path, headers, body, signal } = request
  return new Promise((resolve, reject) => {
    let reader: BodyReader | undefined
    let abort = (): void => reject(signal?.reason)
    const settle = (end: () => void): void => {
      signal?.removeEventListener('abort', onAbort)
      end()
    }
    const onAbort = (): void => abort()
    if (signal?.aborted) return reject(signal.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    pool.dispatch(
      { method, path, headers, body: body ?? null },
      {
        onRequestStart(controller) {
          abort = () => controller.abort(asError(signal?.reason))
          if (signal?.aborted) abort()
        },
        onResponseStart(controller, status, responseHeaders) {
          const cut: Cut = (reason) => controller.abort(reason)
          if (status >= 200) reader = open({ status, headers: responseHeaders }, cut)
        },
        onResponseData(_controller, chunk) {
          reader?.chunk(chunk)
        },
        onResponseEnd() {
          settle(() => {
            try {
              reader?.end()
              resolve()
            } catch (error) {
              reject(error)
            }
          })
        },
        onResponseError(_controller, error) {
          settle(() => reject(signal?.aborted ? signal.reason : asFailure(error)))
        },
      },
    )
  })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted')
}

/** What undici and the socket below it throw, in our words. */
function asFailure(error: Error): Error {
  if (error instanceof LinkFailure) return error
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const hint = 'use the host name the certificate is for in "url"'
    return new LinkFailure('hopeless', 'the certificate is for another host name', { hint, cause: error })
  }
  if (untrusted.has(code)) {
    const hint = 'let NODE_EXTRA_CA_CERTS name the file of the certificate authority'
    return new LinkFailure('hopeless', `the certificate is not trusted: ${code}`, { hint, cause: error })
  }
  if (code === 'CERT_HAS_EXPIRED') return new LinkFailure('hopeless', 'the certificate has expired', { cause: error })
  return new LinkFailure('unreachable', reasons[code] ?? `the request failed: ${code || error.name}`, { cause: error })
}

const untrusted = new Set([
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED'],
])

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'the host is not reachable',
  ENETUNREACH: 'the network is not reachable',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'the server closed the connection',
}
