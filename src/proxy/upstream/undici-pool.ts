import { Pool as UndiciPool } from 'undici'
import { whole } from '../mcp/text.ts'
import type { Cut, Head, HttpRequest, Open, Pool, PoolOptions } from './pool.ts'
import { socketFailure } from './socket-failure.ts'

/**
 * The same on undici, for a Node that no longer offers its own parser. No timeouts on headers or bodies: a tool may
 * think for an hour, and how long it may is the connection's decision, not the socket's.
 */
export function undiciPool({ origin, idle, connect, lookup }: PoolOptions): Pool {
  const newPool = (): UndiciPool =>
    new UndiciPool(origin, {
      pipelining: 1,
      connections: null,
      keepAliveTimeout: idle,
      keepAliveMaxTimeout: idle,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: connect, keepAlive: true, keepAliveInitialDelay: 15_000, ...(lookup && { lookup }) },
    })
  const calls = newPool()
  const streams = newPool()
  return {
    request: (request, open) => dispatch(request.isStream ? streams : calls, request, open),
    widen() {},
    warm() {},
    async [Symbol.asyncDispose]() {
      await Promise.all([calls.destroy(), streams.destroy()])
    },
  }
}

function dispatch(pool: UndiciPool, request: HttpRequest, open: Open): Promise<void> {
  const { method, path, signal } = request
  const body = request.body === undefined ? null : whole(request.body)
  const headers = { ...request.headers, ...request.more }
  return new Promise((resolve, reject) => {
    let reader: ReturnType<Open> | undefined
    /** What ended it on this side. */
    let own: unknown
    const read = (step: () => void): void => {
      try {
        step()
      } catch (error) {
        own = error
        throw error
      }
    }
    let abort = (): void => reject(signal?.reason)
    const settle = (end: () => void): void => {
      signal?.removeEventListener('abort', onAbort)
      end()
    }
    const onAbort = (): void => abort()
    if (signal?.aborted) return reject(signal.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    pool.dispatch(
      { method, path, headers, body },
      {
        onRequestStart(controller) {
          abort = () => controller.abort(asError(signal?.reason))
          if (signal?.aborted) abort()
        },
        onResponseStart(controller, status, responseHeaders) {
          const head: Head = { status, headers: responseHeaders }
          const cut: Cut = (reason) => {
            own = reason
            controller.abort(reason)
          }
          if (status >= 200) read(() => (reader = open(head, cut)))
        },
        onResponseData(_controller, chunk) {
          read(() => reader?.chunk(chunk))
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
          settle(() => reject(signal?.aborted ? signal.reason : (own ?? socketFailure(error))))
        },
      },
    )
  })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted')
}
