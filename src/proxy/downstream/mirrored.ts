import type { IncomingMessage } from 'node:http'
import { envelope, versionHeader } from '../mcp/era.ts'
import { metaOf } from '../mcp/meta.ts'
import { type Declared, declarationsOf, decodeHeader, namedBy, paramHeaders } from '../mcp/mirror.ts'
import {
  HEADER_MISMATCH,
  isRecord,
  type Params,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
} from '../mcp/rpc.ts'
import type { Denial } from './denial.ts'

type Headers = IncomingMessage['headers']
type Fields = Readonly<Record<string, string>>

/**
 * Refuses a request whose head does not repeat its body as it must: who routes by the head and who acts by the body
 * would not see the same request. (MCP: Streamable HTTP, Server Validation, 2026-07-28.)
 */
export function checkHead(
  request: IncomingMessage,
  { method, params }: RpcRequest,
  version: string,
): Denial | undefined {
  const { 'mcp-method': methodHeader, 'mcp-name': nameHeader } = request.headers
  const header = versionHeader(request)
  if (header !== version) return mismatch('MCP-Protocol-Version', header, version)
  if (methodHeader !== method) return mismatch('Mcp-Method', methodHeader, method)
  const field = Object.hasOwn(namedBy, method) ? namedBy[method] : undefined
  const name = field && params?.[field]
  if (typeof name !== 'string') return undefined
  const decoded = typeof nameHeader === 'string' ? decodeHeader(nameHeader) : undefined
  return decoded === name ? undefined : mismatch('Mcp-Name', nameHeader, name)
}

/** A notification need not repeat anything, but must not contradict itself. */
export function checkNotificationHead(
  request: IncomingMessage,
  { method, params }: RpcNotification,
): Denial | undefined {
  const methodHeader = request.headers['mcp-method']
  if (methodHeader !== undefined && methodHeader !== method) return mismatch('Mcp-Method', methodHeader, method)
  const version = metaOf(params)[envelope.version]
  const header = versionHeader(request)
  if (header === undefined || version === undefined || header === version) return undefined
  return mismatch('MCP-Protocol-Version', header, version)
}

function mismatch(field: string, header: unknown, body: unknown): Denial {
  return { status: 400, code: HEADER_MISMATCH, message: sentence(field, header, body) }
}

function sentence(field: string, header: unknown, body: unknown): string {
  const found = header === undefined ? 'is missing' : `is '${String(header)}'`
  return `Header mismatch: ${field} ${found}, the body has '${String(body)}'`
}

/** One input schema is looked through once, however many calls it has. */
const known = new WeakMap<object, readonly Declared[]>()

/**
 * Holds the `Mcp-Param-*` fields against the arguments of a call, by the tool's own `inputSchema`, and returns those
 * that it does not declare: they are somebody else's. Throws RpcFailure (`HEADER_MISMATCH`).
 */
export function checkParams(headers: Headers, inputSchema: unknown, args: unknown): Fields | undefined {
  const declared = isRecord(inputSchema) ? declarations(inputSchema) : []
  const expected = paramHeaders(declared, args)
  for (const { header, type } of declared) {
    const wanted = expected[header]
    const given = headers[header]
    if (wanted !== undefined && !isSame(given, wanted, type))
      throw new RpcFailure(HEADER_MISMATCH, sentence(header, given, decodeHeader(wanted)))
  }
  return foreign(headers, declared)
}

/** A tool whose declarations are broken has none: clients on HTTP do not even see it. */
function declarations(inputSchema: Params): readonly Declared[] {
  const before = known.get(inputSchema)
  if (before) return before
  const found = declarationsOf(inputSchema)
  const declared = 'invalid' in found ? [] : found
  known.set(inputSchema, declared)
  return declared
}

/** Integers are compared as numbers: `42.0` is 42. */
function isSame(given: unknown, wanted: string, type: Declared['type']): boolean {
  const value = typeof given === 'string' ? decodeHeader(given) : undefined
  if (value === undefined) return false
  const expected = decodeHeader(wanted)
  if (value === expected) return true
  return type === 'integer' && isDecimal(value) && isDecimal(expected) && Number(value) === Number(expected)
}

function isDecimal(text: string | undefined): boolean {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text)
}

function foreign(headers: Headers, declared: readonly Declared[]): Fields | undefined {
  let fields: Record<string, string> | undefined
  for (const field in headers) {
    const value = headers[field]
    if (!field.startsWith('mcp-param-') || typeof value !== 'string') continue
    if (declared.some(({ header }) => header === field)) continue
    fields ??= {}
    fields[field] = value
  }
  return fields
}
