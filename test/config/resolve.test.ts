import { expect, test } from 'vitest'
import { differences } from '../../src/config/difference.ts'
import { loadProfileSet } from '../../src/config/load.ts'
import type { Group, Server } from '../../src/config/profile.ts'
import { resolveMasked, resolveProfile } from '../../src/config/resolve.ts'
import { validateProfile, validateSet } from '../../src/config/validate.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { oneLine } from './problems.ts'

const base = `
version: 1
name: seed
defaults: { host: 127.0.0.1, timeouts: { connect: 10s, request: 60s, max: 10m } }
servers:
  thinking:         { command: npx, args: [-y, "@modelcontextprotocol/server-sequential-thinking"] }
  geotab-workspace: { url: "http://192.168.1.15:8878/mcp" }
  context7:         { url: "https://mcp.context7.com/mcp" }
  nocodb:           { url: "\${NOCODB_MCP_URL:?set NOCODB_MCP_URL}", headers: { xc-mcp-token: "\${secret:nocodb}" } }
secrets: { nocodb: { env: NOCODB_TOKEN } }
`

const four = {
  'mcpctl.yaml': base,
  'profiles/dev.yaml': `
description: on one laptop
match: { env: [dev, development] }
groups:
  local-fast: { port: 7611, servers: [thinking] }
  remote-slow: { port: 7612, servers: [context7, { ref: nocodb, enabled: false }] }
`,
  'profiles/prod.yaml': `
profile: prod
description: every tool
extends: dev
match: { env: [prod, production] }
envFile: [{ path: .env.prod, required: false }]
groups:
  lan: { port: 7613, servers: [geotab-workspace] }
  remote-slow:
    servers: [context7, { ref: nocodb, prefix: "db_", tools: { allow: [query_*] }, required: false }]
    timeouts: { request: 2m }
`,
  'profiles/local-fast.yaml':
    'groups: { local-fast: { port: 7611, servers: [thinking], timeouts: { request: 5s } } }\n',
  'profiles/remote-slow.yaml': 'groups: { remote-slow: { port: 7612, servers: [context7] } }\n',
}

async function resolve(folder: TempFolder, name: string, env: Readonly<Record<string, string>> = {}) {
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: { HOME: folder.path } })
  return resolveProfile(set, name, { env, envFiles: [], portOffset: 0 })
}

async function resolveText(text: string, env: Readonly<Record<string, string>> = {}) {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': text })
  return (await resolve(folder, 'dev', env)).profile
}

function firstServer(groups: readonly Group[]): Server {
  const server = groups[0]?.servers[0]
  if (server === undefined) throw new Error('no server')
  return server
}

const prodEnv = { NOCODB_MCP_URL: 'https://nocodb.example/mcp', NOCODB_TOKEN: 'tok-1234567890' }

test('the four profiles of a project resolve each to its groups, ports and servers', async () => {
  await using folder = await tempFolder()
  await folder.write(four)
  const seen = await Promise.all(
    ['dev', 'prod', 'local-fast', 'remote-slow'].map(async (name) => {
      const { profile } = await resolve(folder, name, name === 'prod' ? prodEnv : {})
      return profile.groups.map(
        ({ name: group, port, servers }) => `${name}: ${group} ${port} ${servers.map((s) => s.name)}`,
      )
    }),
  )
  expect(seen.flat()).toEqual([
    'dev: local-fast 7611 thinking',
    'dev: remote-slow 7612 context7,nocodb',
    'prod: local-fast 7611 thinking',
    'prod: remote-slow 7612 context7,nocodb',
    'prod: lan 7613 geotab-workspace',
    'local-fast: local-fast 7611 thinking',
    'remote-slow: remote-slow 7612 context7',
  ])
})

test('a profile is whole: nothing optional, nothing left to read, frozen', async () => {
  await using folder = await tempFolder()
  await folder.write(four)
  const { profile } = await resolve(folder, 'local-fast')
  const filter = { allow: 'all', deny: [], rename: {}, override: {} }
  expect(profile).toEqual({
    project: 'seed',
    folder: folder.path,
    name: 'local-fast',
    description: '',
    secrets: [],
    groups: [
      {
        name: 'local-fast',
        host: '127.0.0.1',
        port: 7611,
        auth: { type: 'none' },
        allowedHosts: [],
        allowedOrigins: [],
        limits: {
          maxBody: 4_194_304,
          maxSessions: 10_000,
          maxStreams: 4,
          maxInFlight: 256,
          maxRate: 100,
          memory: 1_073_741_824,
        },
        listWait: 5000,
        servers: [
          {
            name: 'thinking',
            transport: {
              kind: 'stdio',
              command: 'npx',
              args: ['-y', '@modelcontextprotocol/server-sequential-thinking'],
              env: {},
              cwd: folder.path,
            },
            enabled: true,
            required: false,
            prefix: 'thinking_',
            tools: filter,
            resources: filter,
            prompts: filter,
            timeouts: { connect: 10_000, request: 5000, max: 600_000, idle: 600_000 },
            protocol: 'auto',
            session: 'auto',
            resolve: 'auto',
            restart: { policy: 'always', backoff: 500, maxBackoff: 30_000 },
            retry: { attempts: 3, backoff: 250 },
            cache: { mode: 'swr', persist: true },
            stateful: false,
            exclusive: false,
            integrity: 'warn',
            onNew: 'warn',
            pins: null,
            forwardHeaders: [],
          },
        ],
      },
    ],
  })
  expect(() => Object.assign(firstServer(profile.groups).timeouts, { connect: 1 })).toThrow(TypeError)
})

test('a variable needed only by a disabled server never fails', async () => {
  await using folder = await tempFolder()
  await folder.write(four)
  const { profile, warnings } = await resolve(folder, 'dev')
  const nocodb = profile.groups[1]?.servers[1]
  expect(nocodb).toMatchObject({ enabled: false, transport: { url: '${NOCODB_MCP_URL:?set NOCODB_MCP_URL}' } })
  expect(warnings).toEqual([])
})

test('what a selected server needs is an error that names variable and place', async () => {
  await using folder = await tempFolder()
  await folder.write(four)
  const failure = await resolve(folder, 'prod').catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'config_invalid', message: 'profile "prod" of seed has 2 problems' })
  expect(failure).toHaveProperty('diagnostics', [
    expect.objectContaining({
      message: 'the variable NOCODB_MCP_URL is not set',
      file: 'mcpctl.yaml',
      line: 9,
      column: 28,
    }),
    expect.objectContaining({ message: 'secret "nocodb": the variable NOCODB_TOKEN is not set', line: 10 }),
  ])
})

test('the entry in the list wins over the server, the server over the group, the group over the defaults', async () => {
  const profile = await resolveText(`
defaults: { timeouts: { connect: 1s, request: 1s, max: 1s, idle: 1s }, prefix: "d_" }
servers:
  a: { command: a, timeouts: { max: 3s, idle: 3s } }
profiles:
  dev:
    groups:
      g:
        timeouts: { request: 2s, max: 2s, idle: 2s }
        servers: [{ ref: a, timeouts: { idle: 4s } }]
`)
  expect(firstServer(profile.groups)).toMatchObject({
    prefix: 'd_',
    timeouts: { connect: 1000, request: 2000, max: 3000, idle: 4000 },
  })
})

test('a plain variable becomes what the schema asks for, a quoted text and an environment stay texts', async () => {
  const profile = await resolveText(
    `
servers:
  a:
    command: node
    args: [--inspect, 9229, true, 1.0, 0777]
    env:
      PORT: \${PORT}
      FLAG: true
    required: \${FLAG}
    timeouts:
      request: \${T:-off}
profiles:
  dev:
    groups:
      g:
        port: \${PORT}
        servers: [a]
`,
    { PORT: '7700', FLAG: 'true' },
  )
  expect(profile.groups[0]?.port).toBe(7700)
  expect(firstServer(profile.groups)).toMatchObject({
    required: true,
    timeouts: { request: 'off' },
    transport: { args: ['--inspect', '9229', 'true', '1.0', '0777'], env: { PORT: '7700', FLAG: 'true' } },
  })
})

test('extends merges maps, replaces lists, deletes with null and inherits no name, match or default', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': `
servers: { a: { command: a, env: { X: "1", Y: "2" } }, b: { command: b } }
profiles:
  one:
    description: the first
    match: { env: [one] }
    default: true
    servers: { a: { env: { Y: null, Z: "3" } } }
    groups: { g: { port: 7611, servers: [a, b] }, gone: { servers: [b] } }
  other: { groups: { g: { port: 7650 } } }
  two: { extends: [one, other], groups: { g: { servers: [a] }, gone: null } }
`,
  })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  const { profile } = await resolveProfile(set, 'two', { env: {}, envFiles: [], portOffset: 0 })
  expect(profile.groups).toMatchObject([{ name: 'g', port: 7650, servers: [{ name: 'a' }] }])
  expect(firstServer(profile.groups).transport).toMatchObject({ env: { X: '1', Z: '3' } })
  expect(
    set.profiles.map(({ name, match, default: standard, description, groups }) => ({
      name,
      match,
      standard,
      description,
      groups,
    })),
  ).toEqual([
    { name: 'one', match: ['one'], standard: true, description: 'the first', groups: ['g', 'gone'] },
    { name: 'other', match: [], standard: false, description: '', groups: ['g'] },
    { name: 'two', match: [], standard: false, description: '', groups: ['g'] },
  ])
})

test('C-23: a group called toString and a server called hasOwnProperty are names like any other', async () => {
  const profile = await resolveText(
    'servers: { hasOwnProperty: { command: a } }\nprofiles: { dev: { groups: { toString: { servers: [hasOwnProperty] } } } }\n',
  )
  expect(profile.groups.map(({ name, servers }) => [name, servers[0]?.name])).toEqual([['toString', 'hasOwnProperty']])
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('a port offset moves fixed ports and leaves auto alone', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml':
      'servers: { a: { command: a } }\nprofiles: { dev: { groups: { x: { port: 7611, servers: [a] }, y: { servers: [a] } } } }\n',
  })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  const { profile } = await resolveProfile(set, 'dev', { env: {}, envFiles: [], portOffset: 100 })
  expect(profile.groups.map(({ port }) => port)).toEqual([7711, 'auto'])
})

test('filters keep an empty allow list apart from none, and pass overrides through', async () => {
  const profile = await resolveText(`
servers:
  a:
    command: a
    tools:
      allow: []
      deny: ["x_*"]
      rename: { long_name: short }
      override: { long_name: { title: "\${T:-title}", annotations: { readOnlyHint: true } } }
profiles: { dev: { groups: { g: { servers: [a] } } } }
`)
  expect(firstServer(profile.groups)).toMatchObject({
    tools: {
      allow: [],
      deny: ['x_*'],
      rename: { long_name: 'short' },
      override: { long_name: { title: 'title', annotations: { readOnlyHint: true } } },
    },
    prompts: { allow: 'all' },
  })
})

test('origins tell for each value of the profile where it was written', async () => {
  await using folder = await tempFolder()
  await folder.write(four)
  const { origins } = await resolve(folder, 'prod', prodEnv)
  expect(origins.get('/groups/2/port')).toBe('profiles/prod.yaml:8')
  expect(origins.get('/groups/1/servers/1/timeouts/request')).toBe('profiles/prod.yaml:11')
  expect(origins.get('/groups/0/servers/0/timeouts/connect')).toBe('mcpctl.yaml:4')
  expect(origins.get('/groups/1/servers/1/transport/url')).toBe('mcpctl.yaml:9')
})

test('a masked profile shows which secret stands where, and needs none of them', async () => {
  await using folder = await tempFolder()
  await folder.write(four)
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  const options = { env: { NOCODB_MCP_URL: 'https://x.example/mcp' }, envFiles: [], portOffset: 0 }
  const { profile } = await resolveMasked(set, 'prod', options)
  expect(profile.groups[1]?.servers[1]?.transport).toMatchObject({ headers: { 'xc-mcp-token': '‹secret:nocodb›' } })
  expect(profile.secrets).toEqual([])
})

test('C-36: a masked profile hides what is a secret only by the name it stands under', async () => {
  await using folder = await tempFolder()
  const canary = 'ghp_0123456789abcdef0123456789abcdef0123'
  await folder.write({
    'mcpctl.yaml': `
servers:
  a: { url: "https://host/mcp", headers: { Authorization: "Bearer ${canary}" } }
  b: { command: b, env: { API_KEY: "\${KEY}", KEY_FILE: /run/key } }
profiles: { dev: { groups: { g: { servers: [a, b], auth: { tokens: "\${TOKENS}" } } } } }
`,
  })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  const options = { env: { KEY: `${canary}-key`, TOKENS: `${canary}-token` }, envFiles: [], portOffset: 0 }
  const masked = await resolveMasked(set, 'dev', options)
  expect(JSON.stringify(masked)).not.toContain(canary)
  expect(JSON.stringify(masked)).toContain('/run/key')
  const { profile } = await resolveProfile(set, 'dev', options)
  expect(profile.secrets).toEqual(expect.arrayContaining([canary, `${canary}-key`, `${canary}-token`]))
})

test('two profiles are compared value by value, by the names of groups and servers', async () => {
  await using folder = await tempFolder()
  await folder.write(four)
  const [dev, fast] = await Promise.all([resolve(folder, 'dev'), resolve(folder, 'local-fast')])
  const found = differences(dev.profile, fast.profile).filter(({ pointer }) => pointer.startsWith('/groups/local-fast'))
  expect(found).toEqual([
    { pointer: '/groups/local-fast/servers/thinking/timeouts/request', before: '60000', after: '5000' },
  ])
})

test('validating one profile asks for its variables, validating all only mentions them', async () => {
  await using folder = await tempFolder()
  await folder.write(four)
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  const options = { env: {}, envFiles: [], portOffset: 0, strict: false }
  expect((await validateProfile(set, 'prod', options)).map(({ severity, code }) => [severity, code])).toEqual([
    ['error', 'unset_variable'],
    ['error', 'unset_secret'],
  ])
  expect((await validateSet(set, options)).map(oneLine)).toEqual([
    'mcpctl.yaml:9:28 warning unset_variable: the variable NOCODB_MCP_URL is not set (set NOCODB_MCP_URL)',
  ])
})

test('a mistake in one profile is reported whichever profile is asked for', async () => {
  await using folder = await tempFolder()
  await folder.write({ ...four, 'profiles/prod.yaml': 'gruops: {}\n' })
  const failure = await resolve(folder, 'dev').catch((error: unknown) => error)
  expect(failure).toHaveProperty('diagnostics', [
    expect.objectContaining({ code: 'unknown_key', file: 'profiles/prod.yaml', hint: 'did you mean "groups"?' }),
  ])
})

test('problems of schema, references and addresses come in one report', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': `
servers: { a: { command: a, tols: {} } }
profiles:
  dev:
    groups:
      x: { port: 7611, servers: [a, b] }
      y: { port: 7611, servers: [a], host: 0.0.0.0 }
`,
  })
  const failure = await resolve(folder, 'dev').catch((error: unknown) => error)
  expect(failure).toHaveProperty(
    'diagnostics',
    ['unknown_key', 'unknown_server', 'duplicate_port', 'open_bind'].map((code) => expect.objectContaining({ code })),
  )
})

test.each([
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['128.0.0.1', false],
  ['127.0.0.256', false],
  ['127.0.0.01', false],
  ['127.1', false],
  ['127.0.0.1.example.com', false],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:7f:1', false],
  ['::2', false],
  ['::1%lo', false],
])('whether the host %s may go without auth: %s', async (host, isOpen) => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': `
servers: { a: { command: a } }
profiles: { dev: { groups: { x: { servers: [a], host: "${host}" } } } }
`,
  })
  const resolved = resolve(folder, 'dev')
  const refused = { diagnostics: [expect.objectContaining({ code: 'open_bind' })] }
  await (isOpen ? expect(resolved).resolves.toBeDefined() : expect(resolved).rejects.toMatchObject(refused))
})
