/** Of a client's request head, what every server on HTTP is told: whose trace it belongs to, and in which language. */
export const ALWAYS_FORWARDED = ['traceparent', 'tracestate', 'accept-language'] as const

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** Credentials, what HTTP needs from hop to hop, what MCP says itself, and what would tell who stands in front of us. */
const NEVER = new Set([
  ...['authorization', 'cookie', 'host', 'accept', 'accept-encoding', 'user-agent', 'origin', 'last-event-id'],
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'forwarded', 'via'],
  ...['content-type', 'content-length', 'content-encoding', 'http2-settings', 'set-cookie', 'date', 'range'],
])
const NEVER_BEGINS = /^(?:mcp-|x-forwarded-|proxy-|sec-|access-control-|content-|if-)/

/** Whether a header of this name, in lower case, may be sent on to a server at all. */
export function isForwardable(name: string): boolean {
  return TOKEN.test(name) && !NEVER.has(name) && !NEVER_BEGINS.test(name)
}
