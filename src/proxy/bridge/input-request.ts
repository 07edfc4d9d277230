import { randomUUID } from 'node:crypto'
import { isQuestion } from '../mcp/capability.ts'
import { isRecord, type Params, type RpcRequest } from '../mcp/rpc.ts'

/**
 * A modern server's input request as a request of the legacy era, under an id of our own; undefined for what cannot be
 * put to a client. A URL has an id there, by which its end could be told (MCP: Client, Elicitation, 2025-11-25).
 */
export function toRequest(asked: unknown): RpcRequest | undefined {
  if (!isRecord(asked) || !isQuestion(asked.method)) return undefined
  const { method, params } = asked
  if (params !== undefined && !isRecord(params)) return undefined
  const request: RpcRequest = { ...asked, jsonrpc: '2.0', id: randomUUID(), method }
  if (params?.mode !== 'url' || params.elicitationId !== undefined) return request
  return { ...request, params: { ...params, elicitationId: randomUUID() } }
}

/**
 * A legacy server's request as an input request of the modern era: without an id, without a progress token, since
 * nobody would tell of progress, and without an elicitation's id, since nobody tells of its end.
 */
export function toInputRequest({ jsonrpc: _version, id: _id, ...request }: RpcRequest): Params {
  const { params } = request
  if (params === undefined) return request
  const { elicitationId, _meta: meta, ...rest } = params
  const isUrl = request.method === 'elicitation/create' && params.mode === 'url'
  const kept = elicitationId === undefined || isUrl ? {} : { elicitationId }
  return { ...request, params: { ...rest, ...kept, ...withoutToken(meta) } }
}

function withoutToken(meta: unknown): Params {
  if (!isRecord(meta)) return meta === undefined ? {} : { _meta: meta }
  const { progressToken, ...rest } = meta
  return progressToken !== undefined && Object.keys(rest).length === 0 ? {} : { _meta: rest }
}
