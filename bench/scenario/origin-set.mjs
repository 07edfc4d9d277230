import { startUpstream } from '../upstream.mjs'

/**
 * The four servers of the original problem: milliseconds of each connection and request. What a server has nothing to do
 * for (`other`: finding out the era, say) costs what `initialized` does: the way there and back.
 */
const slow = { connect: 500, initialize: 700, initialized: 100, other: 100, list: 700, call: 300 }
const delaysOf = {
  a: slow,
  b: { connect: 100, initialize: 100, initialized: 50, other: 50, list: 150, call: 0 },
  c: { connect: 500, initialize: 450, initialized: 100, other: 100, list: 450, call: 300 },
  d: slow,
}

/** Tools of all four together. */
export const ALL_TOOLS = 48

/**
 * Starts them, each `scale` times as slow. `names`, `urls` (by name) and `servers` (by name, as in YAML) are theirs; `each(act)`
 * does the same with all at once.
 */
export async function startOriginSet({ scale = 1 } = {}) {
  const names = Object.keys(delaysOf)
  const upstreams = await Promise.all(names.map((name) => startUpstream({ delays: scaled(delaysOf[name], scale) })))
  const urls = Object.fromEntries(names.map((name, i) => [name, upstreams[i].url]))
  return {
    names,
    urls,
    servers: Object.fromEntries(names.map((name) => [name, { url: urls[name] }])),
    each: (act) => Promise.all(upstreams.map(act)),
    stop: () => Promise.all(upstreams.map((upstream) => upstream.stop())),
  }
}

function scaled(delays, scale) {
  return Object.fromEntries(Object.entries(delays).map(([name, ms]) => [name, ms * scale]))
}
