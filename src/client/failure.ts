import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js'
import { type ErrorCode as ExitCode, McpctlError, messageOf } from '../shared/errors.ts'
import { isRecord } from '../shared/record.ts'
import { textOf } from './json.ts'

/** The proxy's own codes for "the server behind it did not answer": unavailable, timeout, overloaded, draining. */
const unreachable: ReadonlySet<number> = new Set([-31001, -31002, -31003, -31006])

/** What went wrong, sorted by what a script can do about it. */
export function failureOf(error: unknown, url: string): McpctlError {
  if (error instanceof McpError) return refusal(error)
  if (isUnauthorized(error)) {
    const hint = 'set MCPCTL_TOKEN to a token of the group'
    return new McpctlError('auth_required', `${url} wants authentication`, { hint, cause: error })
  }
  return new McpctlError('unreachable', `${url} does not answer: ${deepest(error)}`, {
    hint: 'mcpctl status shows the state of every group',
    cause: error,
  })
}

/** An answer that is a JSON-RPC error: the sentence is the server's own. */
function refusal(error: McpError): McpctlError {
  const message = error.message.replace(/^MCP error -?\d+: /, '')
  return new McpctlError(codeOf(error), message, { cause: error })
}

function codeOf({ code, data }: McpError): ExitCode {
  const kind = isRecord(data) && isRecord(data['mcpctl']) ? textOf(data['mcpctl']['kind']) : ''
  if (/auth/i.test(kind)) return 'auth_required'
  const isDead = unreachable.has(code) || code === ErrorCode.RequestTimeout || code === ErrorCode.ConnectionClosed
  return isDead ? 'unreachable' : 'tool_error'
}

function isUnauthorized(error: unknown): boolean {
  if (error instanceof UnauthorizedError) return true
  return error instanceof StreamableHTTPError && (error.code === 401 || error.code === 403)
}

/** `fetch failed` says nothing; its cause names the refused address. */
function deepest(error: unknown): string {
  if (error instanceof Error && error.cause !== undefined) return deepest(error.cause)
  return messageOf(error)
}
