import type { ProxyState, ServerState } from '../shared/status.ts'

export interface Health {
  readonly state: ServerState
  readonly required: boolean
  /** It is up, has failed once, or has spent its connect timeout. */
  readonly isSettled: boolean
}

/**
 * The group's state from its servers'. Once it has left `starting` it does not come back there: a server added or
 * restarted later makes it `degraded` until that one is up.
 */
export function proxyState(servers: readonly Health[], before: ProxyState): ProxyState {
  if (before === 'draining') return 'draining'
  const enabled = servers.filter(({ state }) => state !== 'disabled')
  if (enabled.every(({ state }) => state === 'ready')) return 'ready'
  if (before !== 'starting') return 'degraded'
  const isStarted = enabled.every(({ state, required, isSettled }) => (required ? state === 'ready' : isSettled))
  return isStarted ? 'degraded' : 'starting'
}

export function healthOf(servers: Iterable<Omit<Health, 'required'> & { readonly server: Pick<Health, 'required'> }>) {
  return [...servers].map(({ server: { required }, state, isSettled }) => ({ state, required, isSettled }))
}
