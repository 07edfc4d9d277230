import { startChild } from './processes.mjs'

/**
 * Starts a yardstick (`bytes`, `json`, `sdk1`, `sdk1-fresh`) in front of `upstreams` (name → URL), as a child with `name` and `url`.
 * Tools are named `SERVER_TOOL` there; only `bytes` takes the first server alone and changes no name. `env` is added to
 * the environment.
 */
export async function startYardstick(name, upstreams, { env } = {}) {
  const child = await startChild(`yardsticks/${name}.mjs`, { upstreams }, { flags: ['--no-warnings'], env })
  return { ...child, ...child.ready, name }
}
