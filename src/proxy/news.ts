import type { RpcNotification } from './rpc.ts'
import type { Session } from './session.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { Kind } from './upstream/listing.ts'

const methods = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
  templates: 'notifications/resources/list_changed',
} as const satisfies Record<Kind, string>

export function listChanged(kind: Kind): RpcNotification {
  return { jsonrpc: '2.0', method: methods[kind] }
}

export interface News {
  readonly server: string
  readonly notification: RpcNotification
  readonly sessions: Iterable<Session>
  readonly subscriptions: Subscriptions
}

/**
 * A notification that came with no call, to the sessions it concerns: updates to who subscribed, log messages to who
 * set a level. Any other goes only where there is no doubt: to the one session that can see the server.
 */
export function fanOut({ server, notification, sessions, subscriptions }: News): void {
  const { method, params } = notification
  if (method === 'notifications/resources/updated') {
    for (const { session, shown } of subscriptions.interested(server, String(params?.uri)))
      session.notify({ ...notification, params: { ...params, uri: shown } })
    return
  }
  const able = [...sessions].filter(({ facts }) => facts.server === undefined || facts.server === server)
  if (method === 'notifications/message') {
    for (const session of able) if (session.wants(notification, false)) session.notify(notification)
    return
  }
  if (able.length === 1) able[0]?.notify(notification)
}
