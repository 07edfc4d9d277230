// A client that is known to be good.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

const { MCP_CONFORMANCE_SCENARIO, MCP_CONFORMANCE_PROTOCOL_VERSION, MCP_CONFORMANCE_CONTEXT } = process.env
const MODERN = '2026-07-28'
const capabilities = { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} }
const versionNegotiation = { mode: MCP_CONFORMANCE_PROTOCOL_VERSION === MODERN ? { pin: MODERN } : 'legacy' }

const scenarios = {
  initialize: (client) => client.listTools(),
  tools_call: (client) => callAfterList(client, 'add_numbers', { a: 5, b: 3 }),
  'elicitation-sep1034-client-defaults': (client) => callAfterList(client, 'test_client_elicitation_defaults'),
  'sse-retry': (client) => callAfterList(client, 'test_reconnection'),
  'request-metadata': (client) => client.request({ method: 'tools/list' }),
  'sep-2322-client-request-state': async (client) => {
    const echo = callAfterList(client, 'test_mrtr_echo_state')
    await callAfterList(client, 'test_mrtr_unrelated')
    await echo
    await callAfterList(client, 'test_mrtr_no_state')
    // The SDK takes this answer for an error, and the server has seen by then what it wants to see.
    await callAfterList(client, 'test_mrtr_no_result_type').catch(() => {})
  },
  'http-standard-headers': async (client) => {
    const { tools } = await client.listTools()
    for (const { name } of tools) await client.callTool({ name, arguments: {} })
    const { resources } = await client.listResources()
    for (const { uri } of resources) await client.readResource({ uri })
    const { prompts } = await client.listPrompts()
    for (const { name } of prompts) await client.getPrompt({ name })
  },
  'http-custom-headers': async (client) => {
    await client.listTools()
    for (const call of JSON.parse(MCP_CONFORMANCE_CONTEXT).toolCalls) await client.callTool(call)
  },
  'http-invalid-tool-headers': async (client, { isBehindProxy }) => {
    const { tools } = await client.listTools()
    // Behind a proxy it is the proxy that has to leave out what is invalid, so here everything it lists is called.
    const listed = isBehindProxy ? (await client.request({ method: 'tools/list' })).tools : tools
    for (const { name } of listed) await client.callTool({ name, arguments: { region: 'us-west1' } })
  },
  'json-schema-ref-no-deref': (client) => client.listTools(),
  'json-schema-2020-12-preservation': async (client) => {
    const { tools } = await client.listTools()
    const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool').inputSchema
    await client.callTool({ name: 'json_schema_echo', arguments: { schema } })
  },
}

async function callAfterList(client, name, args = {}) {
  await client.listTools()
  return client.callTool({ name, arguments: args })
}

/** Answers every question; what is left out is filled with the defaults of the schema. */
function answer({ params: { requestedSchema } }) {
  return { action: 'accept', content: requestedSchema.properties.confirmed ? { confirmed: true } : {} }
}

/** Does what the scenario named in the environment wants; `isBehindProxy` says that `url` is not the scenario's own. */
export async function runScenario(url, { isBehindProxy = false } = {}) {
  const client = new Client({ name: 'conformance-client', version: '1.0.0' }, { capabilities, versionNegotiation })
  client.setRequestHandler('elicitation/create', answer)
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  await scenarios[MCP_CONFORMANCE_SCENARIO](client, { isBehindProxy })
  await client.close()
}
