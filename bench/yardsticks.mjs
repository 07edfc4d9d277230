import { startChild } from './processes.mjs'

/**
 * Starts a yardstick (`bytes`, `json`, `sdk1`, `sdk1-fresh`) in front of `upstreams` (name → URL), as a child with `name` and `url`.
 * Tools are named `SERVER_TOOL` there; only `bytes` takes the first server alone and changes no name.
 */
export async function startYardstick(name, upstreams) {
  const child = await startChild(`yardsticks/${name}.mjs`, { upstreams }, { flags: ['--no-warnings'] })
  return { ...child, ...child.ready, name }
}
