import { Channels } from './http1/channels.ts'
import { findParser } from './http1/node-parser.ts'
import { isSound } from './http1/response-parser.ts'
import type { Pool, PoolOptions } from './pool.ts'
import { closedByUs } from './socket-failure.ts'

/** Connections to one origin: our own over Node's parser, or undici's where Node has none that we know. */
export function createPool(options: PoolOptions): Pool {
  const Parser = findParser()
  return Parser && isSound(Parser) ? new Channels({ ...options, Parser }) : fallbackPool(options)
}

/** undici is loaded with the first request: where it is not needed it costs neither time nor memory. */
export function fallbackPool(options: PoolOptions): Pool {
  let loading: Promise<Pool> | undefined
  let isClosed = false
  const load = async (): Promise<Pool> => (await import('./undici-pool.ts')).undiciPool(options)
  return {
    async request(request, open) {
      loading ??= load()
      const pool = await loading
      if (isClosed) throw closedByUs()
      await pool.request(request, open)
    },
    widen() {},
    warm() {},
    async [Symbol.asyncDispose]() {
      isClosed = true
      await (await loading)?.[Symbol.asyncDispose]()
    },
  }
}
