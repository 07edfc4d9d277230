// What a synthetic MCP server says: its tools and the answers of both eras.
const MODERN = '2026-07-28'
const info = { name: 'synthetic', version: '1.0.0' }
const capabilities = { tools: { listChanged: true } }

/**
 * The answers of a server with `count` tools (`echo` first) as functions of the request's params, each giving the JSON
 * text of a result; a method it lacks is not there. A modern result carries what its era adds. Lists are serialised each time, as
 * real servers do.
 */
export function createAnswers(count) {
  const tools = Array.from({ length: count }, (_, index) => toolOf(index))
  return {
    legacy: {
      // Whatever version a client asks for, what these few methods look like is the same.
      initialize: ({ protocolVersion }) => JSON.stringify({ protocolVersion, capabilities, serverInfo: info }),
      ping: () => '{}',
      'tools/list': () => JSON.stringify({ tools }),
      'tools/call': ({ arguments: args }) => `{${echo(args.payload)}}`,
    },
    modern: {
      'server/discover': () =>
        JSON.stringify({ resultType: 'complete', supportedVersions: [MODERN], capabilities, ...fresh }),
      'tools/list': () => JSON.stringify({ resultType: 'complete', tools, ...fresh }),
      'tools/call': ({ arguments: args }) => `{"resultType":"complete",${echo(args.payload)}}`,
    },
  }
}

const fresh = { ttlMs: 600_000, cacheScope: 'public' }

/** The payload comes back twice, as text and as structured content. */
function echo(payload) {
  const text = JSON.stringify(payload)
  return `"content":[{"type":"text","text":${text}}],"structuredContent":{"payload":${text}}`
}

/** About 370 bytes, as tools of real servers are. */
function toolOf(index) {
  const name = index === 0 ? 'echo' : `tool-${index}`
  return {
    name,
    title: `Tool ${index}`,
    description: `Gives back what it was given, as tool number ${index} of this server. It has no effects and costs nothing.`,
    inputSchema: {
      type: 'object',
      properties: { payload: { type: 'string', description: 'What to give back, of any length.' } },
      required: ['payload'],
    },
    annotations: { readOnlyHint: true, idempotentHint: true },
  }
}
