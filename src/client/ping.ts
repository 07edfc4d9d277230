import type { McpClient } from './client.ts'

/** Round trips in milliseconds. */
export interface PingSummary {
  readonly count: number
  readonly min: number
  readonly avg: number
  readonly p95: number
  readonly max: number
}

/** Pings one after the other and resolves with every round trip in milliseconds. */
export async function pingTimes(client: McpClient, count: number, onPing: (ms: number) => void): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await client.ping()
    const ms = performance.now() - start
    times.push(ms)
    onPing(ms)
  }
  return times
}

/** Nearest-rank percentile; all zero without a single ping. */
export function summarisePings(times: readonly number[]): PingSummary {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
  const sum = times.reduce((total, ms) => total + ms, 0)
  return {
    count: times.length,
    min: round(sorted[0] ?? 0),
    avg: round(sum / (times.length || 1)),
    p95: at(0.95),
    max: at(1),
  }
}

/** Three decimals: a local round trip is well below a millisecond. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
