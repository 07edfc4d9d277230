import { createHash } from 'node:crypto'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadProfileSet } from '../../src/config/load.ts'
import type { Profile, Server } from '../../src/config/profile.ts'
import { resolveProfile } from '../../src/config/resolve.ts'
import { Hashes } from '../../src/plan/hashes.ts'
import { bundled } from '../helpers/bundle.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { problemsIn } from './problems.ts'

type Env = Readonly<Record<string, string>>

const fixtures = fileURLToPath(new URL('../fixtures/config', import.meta.url))

async function resolved(cwd: string, file: string, { env = {}, name }: { env?: Env; name?: string } = {}) {
  const set = await loadProfileSet({ cwd, files: [file], env: {} })
  const profile = name ?? set.profiles[0]?.name ?? ''
  return (await resolveProfile(set, profile, { env, envFiles: [], portOffset: 0 })).profile
}

function server({ groups }: Profile, name: string): Server | undefined {
  return groups.flatMap(({ servers }) => servers).find((one) => one.name === name)
}

test('C-01 C-03 C-21: an alias bomb and files of megabytes cost neither time nor memory', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'deep.yaml': Array.from({ length: 3000 }, (_, n) => `${' '.repeat(n)}a:\n`).join(''),
    'wide.yaml': Array.from({ length: 300_000 }, (_, n) => `key_number_${n}: the value of the key\n`).join(''),
  })
  const bomb = join(fixtures, 'c01-alias-bomb.yaml')
  const program = `
    import { loadProfileSet } from ${JSON.stringify(fileURLToPath(new URL('../../src/config/load.ts', import.meta.url)))}
    const load = (file) => loadProfileSet({ cwd: '/', files: [file], env: {} })
    const files = ${JSON.stringify([bomb, join(folder.path, 'deep.yaml'), join(folder.path, 'wide.yaml')])}
    for (let n = 0; n < 5; n++) await load(${JSON.stringify(join(fixtures, 'c05-merge-key.yaml'))})
    for (const file of files) {
      const [rss, began] = [process.memoryUsage.rss(), performance.now()]
      const { diagnostics: [problem] } = await load(file)
      const took = performance.now() - began
      console.log(JSON.stringify({ code: problem.code, took, grown: process.memoryUsage.rss() - rss }))
    }
  `
  const input = await bundled(program, import.meta.dirname)
  const { stdout } = await execa('node', ['--input-type=module', '-'], { input, timeout: 20_000 })
  const costs: { code: string; took: number; grown: number }[] = stdout.split('\n').map((line) => JSON.parse(line))
  expect(costs.map(({ code }) => code)).toEqual(['too_many_aliases', 'file_too_large', 'file_too_large'])
  // Ten times what is promised: the machine has more to do.
  for (const { took, grown } of costs) {
    expect(took).toBeLessThan(500)
    expect(grown).toBeLessThan(20 * 1024 * 1024)
  }
})

test('C-05: what a merge key brings comes under the keys beside it', async () => {
  const profile = await resolved(fixtures, 'c05-merge-key.yaml')
  expect(server(profile, 'memory')?.transport).toMatchObject({
    command: 'npx',
    args: ['-y', 'memory'],
    env: { LOG: 'info' },
  })
})

test('C-16: a default, a literal and a nested expression become what they say', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'x.yaml':
      'servers: { a: { command: a, args: ["${MISSING:-d}", "$${X}", "${A:-${B}}", "${B}$$"] } }\ngroups: { g: { servers: [a] } }\n',
  })
  const profile = await resolved(folder.path, 'x.yaml', { env: { A: '', B: 'b', X: 'never' } })
  expect(server(profile, 'a')?.transport).toMatchObject({ args: ['d', '${X}', 'b', 'b$'] })
})

test('C-17: what the environment holds is never read as YAML, as a variable or as an alias', async () => {
  const env = { INJECTED: '\n  admin: true', NESTED: '${OTHER}', ALIAS: '*alias', OTHER: 'never' }
  const profile = await resolved(fixtures, 'c17-opaque-values.yaml', { env })
  expect(server(profile, 'memory')?.transport).toMatchObject({ args: [env.INJECTED, env.NESTED, env.ALIAS] })
})

test('C-19: a byte order mark, CRLF and a mixture of ends make the same profile, to the hash', async () => {
  const lf = 'servers: { a: { command: a, args: [x, "y\\n"] } }\ngroups:\n  g:\n    port: 7611\n    servers: [a]\n'
  const mixed = lf.replace('\n', '\r\n')
  const hashes = new Hashes((text) => createHash('sha256').update(text).digest('hex'))
  const found = await Promise.all(
    [lf, `\ufeff${lf}`, lf.replaceAll('\n', '\r\n'), mixed, `\ufeff${mixed}`].map(async (text) => {
      await using folder = await tempFolder()
      await folder.write({ 'x.yaml': text })
      const { groups } = await resolved(folder.path, 'x.yaml')
      return groups.map((group) => hashes.group({ ...group, servers: group.servers.map(placeless) }))
    }),
  )
  expect(new Set(found.map(String)).size).toBe(1)
})

/** Each text is in a folder of its own. */
function placeless(one: Server): Server {
  return one.transport.kind === 'stdio' ? { ...one, transport: { ...one.transport, cwd: '' } } : one
}

test('C-22: a link that leads out of the folder is refused like ..', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'outside/evil.yaml': 'servers: { a: { command: evil } }\n',
    'set/x.yaml': included(['in.yaml']),
  })
  await symlink('../outside/evil.yaml', join(folder.path, 'set/in.yaml'))
  expect(await problemsIn(join(folder.path, 'set'), 'x.yaml')).toEqual([
    expect.stringMatching(/^x\.yaml:1:\d+ include_outside: .*\/set\/in\.yaml is outside of the folder .*\/set \(/),
    expect.stringContaining('unknown_server'),
  ])
})

test('C-22: a folder that is a link out of it is refused too, and a link inside is fine', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'outside/in.yaml': 'servers: { a: { command: evil } }\n',
    'set/real/in.yaml': 'servers: { a: { command: good } }\n',
    'set/x.yaml': included(['linked/in.yaml']),
    'set/y.yaml': included(['near/in.yaml']),
  })
  await symlink('../outside', join(folder.path, 'set/linked'))
  await symlink('real', join(folder.path, 'set/near'))
  expect(await problemsIn(join(folder.path, 'set'), 'x.yaml')).toHaveLength(2)
  expect(await problemsIn(join(folder.path, 'set'), 'y.yaml')).toEqual([])
})

function included(names: readonly string[]): string {
  return `include: [${names.join(', ')}]\ngroups: { g: { servers: [a] } }\n`
}

test('C-22: includes nest eight deep and no deeper', async () => {
  await using folder = await tempFolder()
  await mkdir(join(folder.path, 'set'))
  const chain = Array.from(
    { length: 11 },
    (_, n) => [`i${n}.yaml`, `include: [i${n + 1}.yaml]\nservers: {}\n`] as const,
  )
  await folder.write({ ...Object.fromEntries(chain), 'i11.yaml': 'servers: {}\n', 'i8.yaml': 'servers: {}\n' })
  expect(await loadProblems(folder, 'i0.yaml')).not.toContain('include_depth')
  await folder.write({ 'i8.yaml': 'include: [i9.yaml]\nservers: {}\n', 'i9.yaml': 'servers: {}\n' })
  expect(await loadProblems(folder, 'i0.yaml')).toContain('include_depth')
})

test('a profile set has at most 32 files', async () => {
  await using folder = await tempFolder()
  const names = Array.from({ length: 32 }, (_, n) => `set/${n}.yaml`)
  await folder.write({
    ...Object.fromEntries(names.map((name) => [name, 'servers: {}\n'])),
    'x.yaml': 'include: [set/*.yaml]\nservers: {}\n',
  })
  expect((await loadProblems(folder, 'x.yaml')).filter((code) => code === 'too_many_files')).toHaveLength(1)
  await writeFile(join(folder.path, 'x.yaml'), 'include: [set/1*.yaml, set/2*.yaml]\nservers: {}\n')
  expect(await loadProblems(folder, 'x.yaml')).not.toContain('too_many_files')
})

async function loadProblems({ path }: TempFolder, file: string): Promise<readonly string[]> {
  return (await loadProfileSet({ cwd: path, files: [file], env: {} })).diagnostics.map(({ code }) => code)
}

test('C-25: a token that is not set is missing: nothing stands in for it', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'x.yaml':
      'servers: { a: { command: a } }\nsecrets: { t: { env: T } }\ngroups: { g: { auth: { tokens: "${secret:t}" }, servers: [a] } }\n',
  })
  const unset = 'x.yaml:2:22 unset_secret: secret "t": the variable T'
  expect(await problemsIn(folder.path, 'x.yaml')).toEqual([expect.stringContaining(`${unset} is not set`)])
  expect(await problemsIn(folder.path, 'x.yaml', { T: '' })).toEqual([expect.stringContaining(`${unset} is empty`)])
  for (const token of ['changeme', 'secret-api-key', '8charact', 'a'.repeat(64), 'change-me-change-me-change-me'])
    expect(await problemsIn(folder.path, 'x.yaml', { T: token })).toEqual([expect.stringContaining(' weak_token: ')])
  expect(await problemsIn(folder.path, 'x.yaml', { T: 'Zk3v9QxT1mB8nL5cR7wY2pD4' })).toEqual([])
})

test('C-31: what remains of an address is what is asked for: no fragment, names as DNS has them', async () => {
  await using folder = await tempFolder()
  const urls = {
    fragment: 'https://host/mcp#part',
    idn: 'https://münchen.example/mcp',
    dot: 'http://localhost.:8080/mcp',
    upper: 'HTTPS://HOST.Example:443/MCP',
    query: 'https://host/mcp?key=a#b',
  }
  const lines = Object.entries(urls).map(([name, url]) => `  ${name}: { url: "${url}" }`)
  await folder.write({
    'x.yaml': `servers:\n${lines.join('\n')}\ngroups: { g: { servers: [${Object.keys(urls).join(', ')}] } }\n`,
  })
  const { groups } = await resolved(folder.path, 'x.yaml')
  expect(groups[0]?.servers.map(({ transport }) => 'url' in transport && transport.url)).toEqual([
    'https://host/mcp',
    'https://xn--mnchen-3ya.example/mcp',
    'http://localhost:8080/mcp',
    'https://host.example/MCP',
    'https://host/mcp?key=a',
  ])
})

test('C-31: the frame of a refused address does not show the password in it', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'x.yaml': 'servers: { a: { url: "http://user:Hunter22@host/mcp" } }\ngroups: { g: { servers: [a] } }\n',
  })
  const { diagnostics } = await loadProfileSet({ cwd: folder.path, files: ['x.yaml'], env: {} })
  expect(diagnostics.map(({ code }) => code)).toEqual(['literal_secret'])
  await expect(resolved(folder.path, 'x.yaml')).rejects.toSatisfy((error: { diagnostics: unknown }) => {
    return (
      JSON.stringify(error.diagnostics).includes('bad_url') && !JSON.stringify(error.diagnostics).includes('Hunter22')
    )
  })
})

test('C-27: with whole lists, names clash at load exactly when two servers show the same', async () => {
  const part = fc.constantFrom('a', 'b', 'a_', '_b', 'a_b_')
  const names = fc.uniqueArray(part, { maxLength: 3 })
  const servers = fc.array(fc.record({ prefix: fc.oneof(part, fc.constant('')), allow: names }), {
    minLength: 1,
    maxLength: 4,
  })
  await using folder = await tempFolder()
  await fc.assert(
    fc.asyncProperty(servers, async (list) => {
      const lines = list.map(
        ({ prefix, allow }, n) =>
          `  s${n}: { command: a, prefix: "${prefix}", tools: { allow: [${allow.join(', ')}] } }`,
      )
      const group = `groups: { g: { servers: [${list.map((_, n) => `s${n}`).join(', ')}] } }`
      await folder.write({ 'x.yaml': `servers:\n${lines.join('\n')}\n${group}\n` })
      const shown = list.flatMap(({ prefix, allow }) => allow.map((name) => prefix + name))
      const found = await problemsIn(folder.path, 'x.yaml')
      expect(found.filter((line) => line.includes('ambiguous_name'))).toHaveLength(shown.length - new Set(shown).size)
      expect(found.filter((line) => line.includes('ambiguous_prefix'))).toEqual([])
    }),
    { numRuns: 100 },
  )
})
