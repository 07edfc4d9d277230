import { mkdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadProfileSet } from '../../src/config/load.ts'
import { locate, projectFolder } from '../../src/config/locate.ts'
import { resolveProfile } from '../../src/config/resolve.ts'
import { tempFolder } from '../helpers/temp.ts'
import { oneLine } from './problems.ts'

const profile = 'servers: { a: { command: a } }\ngroups: { g: { servers: [a] } }\n'
const base = 'servers: { a: { command: a } }\nprofiles: { dev: { groups: { g: { servers: [a] } } } }\n'

test('the search goes upwards to the first folder with a base file', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base, 'a/b/c.txt': '' })
  const pointer = { cwd: join(folder.path, 'a/b'), files: [], env: { HOME: folder.path } }
  expect(await projectFolder(pointer)).toBe(folder.path)
  expect((await loadProfileSet(pointer)).profiles.map(({ name }) => name)).toEqual(['dev'])
})

test.each(['mcpctl.yaml', 'mcpctl.yml', 'mcpctl.json'])('%s is a base file', async (name) => {
  await using folder = await tempFolder()
  await folder.write({ [name]: JSON.stringify({ servers: {}, profiles: { one: { groups: {} } } }) })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  expect(set.profiles.map(({ file, name: profile }) => [file, profile])).toEqual([[name, 'one']])
})

test('without a base file a folder profiles/ with a profile in it makes a project', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'profiles/dev.yaml': profile, 'profiles/prod.yml': 'extends: dev\n', 'deep/er/x': '' })
  const set = await loadProfileSet({ cwd: join(folder.path, 'deep/er'), files: [], env: {} })
  expect(set.folder).toBe(folder.path)
  expect(set.profiles.map(({ name }) => name)).toEqual(['dev', 'prod'])
})

test('a folder profiles/ of something else is passed by', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base, 'app/profiles/user.yaml': 'name: someone\nservers: none\n' })
  expect(await projectFolder({ cwd: join(folder.path, 'app'), files: [], env: {} })).toBe(folder.path)
})

test.each(['HOME', '.git'])('the search ends at %s', async (end) => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base })
  const inner = join(folder.path, 'inner')
  await mkdir(join(inner, end === '.git' ? '.git' : 'x'), { recursive: true })
  const pointer = { cwd: inner, files: [], env: end === 'HOME' ? { HOME: inner } : {} }
  expect(await projectFolder(pointer)).toBe(inner)
  await expect(loadProfileSet(pointer)).rejects.toMatchObject({
    code: 'config_invalid',
    message: `no profile set in ${inner}`,
  })
})

test('-f beats MCPCTL_CONFIG, which beats MCP_CONFIG_PATH, which beats the search', async () => {
  await using folder = await tempFolder()
  const named = (name: string) => `profile: ${name}\n${profile}`
  await folder.write({
    'mcpctl.yaml': base,
    'flag.yaml': named('flag'),
    'env.yaml': named('env'),
    'mcp_config.json': '{"mcpServers":{"a":{"command":"a"}}}',
  })
  const all = { MCPCTL_CONFIG: 'env.yaml', MCP_CONFIG_PATH: 'mcp_config.json' }
  const found = async (files: readonly string[], env: Readonly<Record<string, string>>) =>
    (await loadProfileSet({ cwd: folder.path, files, env })).profiles.map(({ name }) => name)
  expect(await found(['flag.yaml'], all)).toEqual(['flag'])
  expect(await found([], all)).toEqual(['env'])
  expect(await found([], { MCP_CONFIG_PATH: all.MCP_CONFIG_PATH })).toEqual(['default'])
  expect(await found([], {})).toEqual(['dev'])
})

test('MCPCTL_CONFIG may name several, and a later one wins', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'base.yaml': base,
    'over.yaml': 'servers: { a: { env: { X: over } } }\nprofiles: { dev: { groups: { g: { port: 7650 } } } }\n',
  })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: { MCPCTL_CONFIG: 'base.yaml:over.yaml' } })
  const { profile: resolved } = await resolveProfile(set, 'dev', { env: {}, envFiles: [], portOffset: 0 })
  expect(resolved.groups).toMatchObject([
    { port: 7650, servers: [{ transport: { command: 'a', env: { X: 'over' } } }] },
  ])
})

test('-f may be a folder: a project, or a folder of profiles', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'project/mcpctl.yaml': base, 'loose/one.yaml': profile, 'loose/two.yaml': profile })
  const found = async (file: string) => {
    const set = await loadProfileSet({ cwd: folder.path, files: [file], env: {} })
    return [set.folder, ...set.profiles.map(({ name }) => name)]
  }
  expect(await found('project')).toEqual([join(folder.path, 'project'), 'dev'])
  expect(await found('loose')).toEqual([join(folder.path, 'loose'), 'one', 'two'])
})

test.each([
  ['a missing file', 'nowhere/at/all.yaml'],
  ['a device', '/dev/null'],
])('the project folder is found for %s too', async (_what, file) => {
  await using folder = await tempFolder()
  const found = await projectFolder({ cwd: folder.path, files: [file], env: {} })
  expect([folder.path, '/dev']).toContain(found)
})

test('a missing file is a problem of the set, with its name', async () => {
  await using folder = await tempFolder()
  const set = await loadProfileSet({ cwd: folder.path, files: ['gone.yaml'], env: {} })
  expect(set.diagnostics.map(oneLine)).toEqual(['gone.yaml:1:1 file_missing: gone.yaml does not exist'])
})

test('an empty folder is no profile set', async () => {
  await using folder = await tempFolder()
  await expect(loadProfileSet({ cwd: folder.path, files: [folder.path], env: {} })).rejects.toMatchObject({
    code: 'config_invalid',
  })
  expect((await locate({ cwd: folder.path, files: [folder.path], env: {} })).roots.flat()).toEqual([])
})

test('a profile in two files of one place is a mistake', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'profiles/a.yaml': `profile: dev\n${profile}`, 'profiles/b.yaml': `profile: dev\n${profile}` })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  expect(set.diagnostics.map(oneLine)).toEqual([
    'profiles/b.yaml:1:10 duplicate_profile: the profile "dev" is also in profiles/a.yaml:1',
  ])
})

test('included files may include, each is read once, and what they share is shared', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': 'include: [shared/*.yaml, shared/one.yaml, teams/**/*.yaml]\nservers: { a: { args: [own] } }\n',
    'shared/one.yaml': 'include: two.yml\nservers: { a: { command: one, args: [one] } }\n',
    'shared/two.yml': 'servers: { a: { command: two, cwd: two } }\n',
    'teams/x/dev.yaml': 'groups: { g: { servers: [a] } }\n',
  })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  expect(set.diagnostics).toEqual([])
  const { profile: resolved } = await resolveProfile(set, 'dev', { env: {}, envFiles: [], portOffset: 0 })
  expect(resolved.groups[0]?.servers[0]?.transport).toMatchObject({
    command: 'one',
    args: ['own'],
    cwd: join(folder.path, 'two'),
  })
  expect([...set.sources.keys()]).toEqual(
    expect.arrayContaining([join(folder.path, 'shared'), join(folder.path, 'teams')]),
  )
})

test('files that include each other are printed as a circle', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': 'include: [a.yaml]\nservers: {}\n',
    'a.yaml': 'include: [b.yaml]\nservers: {}\n',
    'b.yaml': 'include: [a.yaml]\nservers: {}\n',
  })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  expect(set.diagnostics.map(oneLine)).toContain(
    'b.yaml:1:11 include_cycle: files include each other: a.yaml → b.yaml → a.yaml',
  )
})

test('more than 32 files are refused', async () => {
  await using folder = await tempFolder()
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`profiles/p${n}.yaml`, profile]))
  await folder.write({ 'mcpctl.yaml': 'servers: {}\n', ...files })
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  expect(set.diagnostics.filter(({ code }) => code === 'too_many_files')).toHaveLength(1)
})

test('C-21: a file of megabytes in profiles/ is not looked into to find out what it is, but told of', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'profiles/dev.yaml': '' })
  await truncate(join(folder.path, 'profiles/dev.yaml'), 2 ** 40)
  const { diagnostics } = await loadProfileSet({ cwd: folder.path, files: [], env: { HOME: folder.path } })
  expect(diagnostics.map(oneLine)).toEqual([
    'profiles/dev.yaml:1:1 file_too_large: profiles/dev.yaml is larger than 1 MiB',
  ])
})
