import { expect, test } from 'vitest'
import { loadProfileSet } from '../../src/config/load.ts'
import { profileName } from '../../src/config/mcp-servers.ts'
import { resolveProfile } from '../../src/config/resolve.ts'
import { tempFolder } from '../helpers/temp.ts'
import { oneLine } from './problems.ts'

test.each([
  ['mcp_config_dev.json', 'dev'],
  ['/a/b/mcp_config_prod.json', 'prod'],
  ['mcp_config.json', 'default'],
  ['mcp-config-ci.json', 'ci'],
  ['.mcp.json', 'default'],
  ['claude_desktop_config.json', 'claude_desktop_config'],
])('%s is the profile %s', (file, name) => {
  expect(profileName(file)).toBe(name)
})

async function load(json: unknown, name = 'mcp_config_dev.json') {
  await using folder = await tempFolder()
  const path = await folder.write({ [name]: JSON.stringify(json, null, 2) })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: { MCP_CONFIG_PATH: path } })
  const [first] = set.profiles
  const options = { env: { TOKEN: 'tok-12345' }, envFiles: [], portOffset: 0 }
  const resolution =
    first && set.diagnostics.every(({ severity }) => severity === 'warning')
      ? await resolveProfile(set, first.name, options)
      : undefined
  return { set, profile: resolution?.profile }
}

test('the shapes of other clients become servers of one group on port 7611', async () => {
  const { profile } = await load({
    mcpServers: {
      local: { command: 'npx', args: ['-y', 'x'], env: { A: '1' }, cwd: '/tmp', autoApprove: ['*'], timeout: 60 },
      typed: { type: 'stdio', command: 'node' },
      plain: { url: 'https://a.example/mcp', headers: { Authorization: 'Bearer ${TOKEN}' } },
      http: { type: 'http', url: 'https://b.example/mcp' },
      streamable: { transport: 'streamable-http', url: 'https://c.example/mcp' },
      camel: { type: 'streamableHttp', serverUrl: 'https://d.example/mcp' },
      gemini: { httpUrl: 'https://e.example/mcp' },
      sse: { type: 'sse', url: 'https://f.example/sse' },
      off: { command: 'x', disabled: true },
    },
  })
  expect(profile?.name).toBe('dev')
  expect(profile?.groups.map(({ name, port }) => [name, port])).toEqual([['default', 7611]])
  expect(profile?.groups[0]?.servers.map(({ name, enabled, transport }) => [name, enabled, transport.kind])).toEqual([
    ['local', true, 'stdio'],
    ['typed', true, 'stdio'],
    ['plain', true, 'auto'],
    ['http', true, 'http'],
    ['streamable', true, 'http'],
    ['camel', true, 'http'],
    ['gemini', true, 'auto'],
    ['sse', true, 'sse'],
    ['off', false, 'stdio'],
  ])
  expect(profile?.groups[0]?.servers[2]?.transport).toMatchObject({ headers: { Authorization: 'Bearer tok-12345' } })
})

test('a name that only other clients allow is made one of ours, with a warning', async () => {
  const { set, profile } = await load({ mcpServers: { 'My Server!': { command: 'x' } } })
  expect(profile?.groups[0]?.servers.map(({ name }) => name)).toEqual(['My-Server'])
  expect(set.diagnostics.map(oneLine)).toEqual([
    'mcp_config_dev.json:3:5 warning renamed_server: the server "My Server!" is called "My-Server" here',
  ])
})

test('mistakes point into the file of the other client', async () => {
  const { set } = await load({
    mcpServers: { a: { command: 'x', args: 'one' }, b: { type: 'websocket', url: 'wss://x' } },
  })
  expect(set.diagnostics.map(oneLine)).toEqual([
    'mcp_config_dev.json:5:15 bad_value: "one" is not a list of texts',
    'mcp_config_dev.json:8:15 bad_value: "websocket" is not allowed here (one of: http, sse)',
  ])
})

test('servers that are no map are one clear error', async () => {
  const { set } = await load({ mcpServers: [] })
  expect(set.diagnostics.map(({ message }) => message)).toEqual(['"mcpServers" is not a map of servers'])
})
