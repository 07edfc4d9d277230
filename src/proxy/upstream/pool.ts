import type { LookupFunction } from 'node:net'
import type { Signal } from '../../shared/signal.ts'
import type { Text } from '../mcp/text.ts'
import type { Headers } from './headers.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With query. */
  readonly path: string
  /** Names in lower case. The same object again is not read again: it must not change. */
  readonly headers: Headers
  /** Of this request alone; they stand over those of the same name. */
  readonly more?: Headers | undefined
  readonly body?: Text | undefined
  readonly signal?: Signal | undefined
  /** The response is to stay open: it takes none of the connections that wait for calls. */
  readonly isStream?: boolean
}

export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Takes a response body as it comes. Whatever it throws ends the request with that error. */
export interface BodyReader {
  /** The bytes are the reader's to keep. */
  chunk(bytes: Buffer): void
  end(): void
}

/** Ends a request in the middle of its response, with this error. */
export type Cut = (reason: Error) => void

export type Open = (head: Head, cut: Cut) => BodyReader

/** All we ask of an HTTP client: one origin, kept connections, bodies pushed as they arrive. */
export interface Pool extends AsyncDisposable {
  /** Resolves at the end of the body; rejects with LinkFailure, or with the reason of the signal. */
  request(request: HttpRequest, open: Open): Promise<void>
  /** The end of connecting: until now requests shared one connection, from now on none waits for another. */
  widen(): void
  /** Somebody calls this server: connections are made ready for the calls to come. Idempotent. */
  warm(): void
}

export interface PoolOptions {
  readonly origin: string
  /** How long an unused connection is kept, in milliseconds. */
  readonly idle: number
  /** For TCP and TLS together, in milliseconds. */
  readonly connect: number
  /** Tells the address of the host, for one connection. */
  readonly lookup?: LookupFunction | undefined
  /** How many connections are made ready for calls that come at once. */
  readonly warm: number
}
