import type { FromProxy } from '../proxy/protocol.ts'
import type { ServerStatus } from '../shared/status.ts'

type StatusMessage = Extract<FromProxy, { type: 'status' }>

/** The whole of a proxy, as its messages tell it. */
export interface ProxyStatus extends Omit<StatusMessage, 'order'> {
  /** In the order of the group. */
  readonly servers: readonly ServerStatus[]
}

/** What is known of a proxy after it told its news: of a thousand servers it names those that are not as before. */
export function updated(known: ProxyStatus | undefined, { order, ...news }: StatusMessage): ProxyStatus {
  const servers = new Map(known?.servers.map((server) => [server.name, server]))
  for (const server of news.servers) servers.set(server.name, server)
  if (!order) return { ...news, servers: [...servers.values()] }
  return { ...news, servers: order.flatMap((name) => servers.get(name) ?? []) }
}
