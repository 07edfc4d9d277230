import type { Exchange } from '../mcp/exchange.ts'
import { isAtLeast } from '../mcp/levels.ts'
import { isRecord, type RpcNotification } from '../mcp/rpc.ts'

/**
 * A legacy server's notification as it may go down the response stream of this very request, or undefined: progress
 * only under the request's own token, log messages only from the level it names, and nothing that only the legacy era
 * has (MCP: Patterns, Progress; Utilities, Logging).
 */
export function modernNotification(
  notification: RpcNotification,
  { params, caller }: Exchange,
): RpcNotification | undefined {
  switch (notification.method) {
    case 'notifications/progress':
      return withToken(notification, isRecord(params?._meta) ? params._meta.progressToken : undefined)
    case 'notifications/message':
      return caller.level !== undefined && isAtLeast(notification.params?.level, caller.level)
        ? notification
        : undefined
    case 'notifications/elicitation/complete':
    case 'notifications/tasks/status':
      return undefined
    default:
      return notification
  }
}

function withToken(notification: RpcNotification, token: unknown): RpcNotification | undefined {
  if (token === undefined || notification.params?.progressToken === token)
    return token === undefined ? undefined : notification
  return { ...notification, params: { ...notification.params, progressToken: token } }
}
