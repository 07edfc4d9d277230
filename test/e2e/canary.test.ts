import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Canary, canariesIn } from '../helpers/canary.ts'
import { type FixtureProcess, startFixture } from '../helpers/fixture.ts'
import { evaluateIn } from '../helpers/inspector.ts'
import { messages, post, rawSession } from '../helpers/mcp.ts'
import { freePort } from '../helpers/ports.ts'
import { markedProcesses } from '../helpers/processes.ts'
import { makeProject, type Project, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

// A real project whose servers tell everybody what they were trusted with. Whatever mcpctl then shows, writes or passes
// on in its own words is searched for it. What a server answers to a call is the caller's, and passes untouched.

const canaries = {
  file: 'canary-file-q7Wn2Zp8',
  awkward: 'cänary "env" \\ /+&?=%x',
  command: '-----BEGIN CANARY-----\nMIIcanaryLineOneAAAA\nMIIcanaryLineTwoBBBB\n-----END CANARY-----',
  header: 'canary-header-Xk29+/==',
  query: 'canary-query-8fj2Kd55',
  variable: 'canary-variable-55nnQ1',
  literal: 'canary-literal-93hd72kd',
  bearer: 'canary-bearer-Zk3v9QxT1mB8nL5cR7wY',
  wrong: 'canary-wrong-p2D4Zk3v9QxT1mB8nL5cR7',
} as const

const birds: readonly Canary[] = Object.entries(canaries).map(([name, value]) => ({ name, value }))

const given = `{ GIVEN_FILE_TOKEN: "\${secret:file}", GIVEN_AWKWARD_TOKEN: "\${secret:awkward}",
      GIVEN_KEY_TOKEN: "\${secret:command}", GIVEN_PASSWORD: "\${CANARY_VARIABLE}", GIVEN_API_KEY: ${canaries.literal} }`
const ways = ['works', 'refuses', 'garbage', 'dies', 'names'] as const
const remoteWays = ['works', 'refuses', 'unauthorized', 'moved', 'broken'] as const

function profileSet({ ports, urls }: { readonly ports: readonly number[]; readonly urls: readonly string[] }): string {
  const local = ways.map((how) => `  ${how}: ${stdioServer('leaky', ['stdio', how]).slice(0, -1)}, env: ${given} }`)
  const headers = '{ Authorization: "Bearer ${secret:header}", X-Api-Key: "${CANARY_VARIABLE}" }'
  const remote = remoteWays.map(
    (how, at) =>
      `  far-${how}: { url: "${urls[at]}?api_key=\${secret:query}&token=\${CANARY_VARIABLE}", transport: http, headers: ${headers} }`,
  )
  return `
version: 1
servers:
${[...local, ...remote].join('\n')}
secrets:
  file: { file: secret.txt }
  awkward: { env: CANARY_AWKWARD }
  command: { command: [${process.execPath}, -p, "require('fs').readFileSync('key.pem','utf8').trim()"] }
  header: { env: CANARY_HEADER }
  query: { env: CANARY_QUERY }
  bearer: { env: CANARY_BEARER }
groups:
  open: { port: ${ports[0]}, servers: [${[...ways, ...remoteWays.map((how) => `far-${how}`)].join(', ')}] }
  closed: { port: ${ports[1]}, servers: [works], auth: { tokens: { ours: "\${secret:bearer}" } } }
`
}

const env = {
  CANARY_AWKWARD: canaries.awkward,
  CANARY_HEADER: canaries.header,
  CANARY_QUERY: canaries.query,
  CANARY_VARIABLE: canaries.variable,
  CANARY_BEARER: canaries.bearer,
}

let project: Project
const fixtures: FixtureProcess[] = []
beforeAll(async () => {
  for (const how of remoteWays) fixtures.push(await startFixture('leaky', ['0', how]))
  const ports = [await freePort(), await freePort()]
  project = await makeProject({
    'mcpctl.yaml': profileSet({ ports, urls: fixtures.map(({ address }) => address) }),
    'secret.txt': `${canaries.file}\n`,
    'key.pem': `${canaries.command}\n`,
  })
  await project.ok(['up', '-d', '--wait'], env)
})
afterAll(async () => {
  await project[Symbol.asyncDispose]()
  for (const fixture of fixtures) await fixture[Symbol.asyncDispose]()
})

const commands = [
  ['status'],
  ['status', '--json'],
  ['status', '-v', '-o', 'yaml'],
  ['config'],
  ['config', '--json'],
  ['config', '--origin'],
  ['plan'],
  ['plan', '--json'],
  ['reload', '--dry-run', '--json'],
  ['validate'],
  ['validate', '--online'],
  ['validate', '--format', 'sarif'],
  ['profiles', '--json'],
  ['doctor'],
  ['logs', '-n', '5000'],
  ['logs', '-n', '5000', '--json'],
  ['tools', 'closed'],
  ['ping', 'open'],
  ['call', 'open', 'far-unauthorized_tell'],
  ['call', 'open', 'refuses_tell', '--json'],
  ['restart', 'open'],
].map((args) => [args.join(' '), args] as const)

async function shownBy(args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await project.run(args, env)
  return `${stdout}\n${stderr}`
}

test.each(commands)('no canary is in the output of `mcpctl %s`', async (_line, args) => {
  const shown = await shownBy(args)
  expect(canariesIn(shown, birds)).toEqual([])
})

test('a result and an error of a server pass untouched, with all that is in them', async () => {
  const session = await rawSession((await project.group('open')).url)
  for (const name of ['works_tell', 'works_fail', 'far-works_tell', 'far-works_fail']) {
    const [answer] = await session.ask('tools/call', { name, arguments: {} })
    const said = answer?.error?.message ?? JSON.stringify(answer?.result)
    expect(said).toContain(name.startsWith('far') ? canaries.header : canaries.file)
  }
})

test('no canary is in what is said for a server that cannot be asked, nor in what is said of a crash', async () => {
  const session = await rawSession((await project.group('open')).url)
  const names = ['refuses', 'dies', 'far-unauthorized', 'far-moved', 'far-broken', 'far-refuses'].map(
    (it) => `${it}_tell`,
  )
  for (const name of [...names, 'works_mutter', 'works_crash']) {
    const answers = await session.ask('tools/call', { name, arguments: {} })
    expect({ name, found: canariesIn(JSON.stringify(answers), birds) }).toEqual({ name, found: [] })
  }
})

test('no canary is in the answer to a token that is none of ours, nor is that token remembered', async () => {
  const { url } = await project.group('closed')
  const ask = (bearer: string) =>
    post(url, { jsonrpc: '2.0', id: 1, method: 'ping' }, { authorization: `Bearer ${bearer}` })
  const refused = await ask(canaries.wrong)
  expect(refused.status).toBe(401)
  expect(canariesIn(`${JSON.stringify([...refused.headers])}${await refused.text()}`, birds)).toEqual([])
  const inQuery = await post(`${url}?token=${canaries.bearer}`, { jsonrpc: '2.0', id: 1, method: 'ping' })
  expect(inQuery.status).toBe(401)
  expect(canariesIn(await inQuery.text(), birds)).toEqual([])
  expect(await messages(await ask(canaries.bearer))).toMatchObject([{ error: { code: expect.any(Number) } }])
})

test('no canary is in what a proxy leaves when it ends by an exception nobody caught', async () => {
  const { pid, restarts } = await project.group('closed')
  const thrown = JSON.stringify(`${canaries.file} ${canaries.command} Basic ${btoa(`user:${canaries.bearer}`)}`)
  await evaluateIn(pid ?? -1, `setTimeout(() => { throw new Error(${thrown}) })`)
  await waitFor(async () => (await project.group('closed')).restarts > restarts)
  const shown = `${await shownBy(['status', '--json'])}${await shownBy(['logs', '-n', '5000', '--json'])}`
  expect(shown).toContain('‹secret›')
  expect(canariesIn(shown, birds)).toEqual([])
  await waitFor(async () => (await project.group('closed')).state === 'ready')
})

test('P-20: no canary is in the command line of any process, nor in the environment of a proxy', async () => {
  const home = join(project.folder, '.state')
  const ours = markedProcesses(home)
  expect(ours.length).toBeGreaterThan(4)
  for (const name of await readdir('/proc')) {
    const line = /^\d+$/.test(name) ? await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '') : ''
    // The reader of the secret is this test's own.
    expect({ line, found: canariesIn(line, birds) }).toEqual({ line, found: [] })
  }
  for (const { pid } of ours.filter(({ command }) => command.endsWith('proxy.js')))
    expect(canariesIn(await readFile(`/proc/${pid}/environ`, 'utf8'), birds)).toEqual([])
})

test('no canary is in what is said of a file that is wrong, with the lines around it', async () => {
  await project.edit('mcpctl.yaml', 'groups:', 'gruops:')
  await waitFor(async () => (await project.status()).config.state === 'stale')
  const shown = []
  for (const args of [
    ['reload'],
    ['validate'],
    ['validate', '--format', 'json'],
    ['status'],
    ['status', '--json'],
    ['up', '-d'],
    ['plan'],
  ])
    shown.push(await shownBy(args))
  await project.edit('mcpctl.yaml', 'gruops:', 'groups:')
  await project.edit('mcpctl.yaml', 'GIVEN_API_KEY: ', 'GIVEN_API_KEY: - ')
  shown.push(await shownBy(['validate']), await shownBy(['reload', '--json']), await shownBy(['config']))
  await project.edit('mcpctl.yaml', 'GIVEN_API_KEY: - ', 'GIVEN_API_KEY: ')
  await waitFor(async () => (await project.status()).config.state === 'current')
  expect(canariesIn(shown.join('\n'), birds)).toEqual([])
})

test('no canary is in any file that mcpctl wrote', async () => {
  const mine = new Set(['mcpctl.yaml', 'secret.txt', 'key.pem'])
  const files = (await readdir(project.folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )
  const written = files.filter(({ name }) => !mine.has(name))
  expect(written.map(({ name }) => name)).toContain('session.key')
  for (const { parentPath, name } of written) {
    const text = await readFile(join(parentPath, name), 'latin1')
    // A generation is the user's own files as they were: what stands in them stands there, and nothing that they refer to.
    const isOwn = basename(parentPath) === 'generations'
    const searched = isOwn ? birds.filter(({ value }) => value !== canaries.literal) : birds
    const found = canariesIn(Buffer.from(text, 'latin1').toString('utf8'), searched)
    expect({ name, found }).toEqual({ name, found: [] })
  }
})
