import { startChild } from './processes.mjs'

/**
 * Starts the load generator, one process for all that is measured side by side. `run` makes closed-loop load: each of
 * `connections` keeps one request in flight, on a kept-alive socket and in a session of its own.
 *
 * - `url`; `era`: `legacy` or `modern`; `method`: `tools/call` (the default) or `tools/list`;
 * - `tool`: its name at that URL; `payload`: bytes sent with each call, which come back;
 * - `transport`: `http` (the default), or `sse` for what speaks HTTP+SSE only;
 * - `connections`; and how long: `ms` of time, or `calls`.
 *
 * `run` resolves with `{ calls, ms, rate, p50, p90, p99, max, bytes }`, latencies in microseconds, `rate` per second, `bytes` of the last
 * answer. It fails at the first answer that is not what was asked for.
 */
export async function startLoad() {
  const child = await startChild('children/load.mjs')
  return { ...child, run: (options) => child.ask('run', { era: 'legacy', method: 'tools/call', ...options }) }
}
