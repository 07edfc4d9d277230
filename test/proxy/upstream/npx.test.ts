import { createHash } from 'node:crypto'
import { chmod, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { shortcutOf } from '../../../src/proxy/upstream/npx.ts'
import { packageFolder } from '../../../src/shared/paths.ts'
import { groupOf, serverOf } from '../../helpers/group.ts'
import { holdSocket, startProxy } from '../../helpers/proxy.ts'
import { type TempFolder, tempFolder } from '../../helpers/temp.ts'
import { waitFor } from '../../helpers/wait.ts'

const root = packageFolder()
const memory = '@modelcontextprotocol/server-memory'

function npx(cwd: string, ...args: string[]) {
  return { kind: 'stdio', command: 'npx', args, env: {}, cwd } as const
}

/** A package with one program as npm installs it into `node_modules` of the folder. */
async function install(folder: TempFolder, at: string, manifest: Readonly<Record<string, unknown>>): Promise<void> {
  const modules = join(at, 'node_modules')
  const home = join(modules, String(manifest.name))
  await folder.write({
    [join(home, 'package.json')]: JSON.stringify(manifest),
    [join(home, 'main.js')]: '#!/usr/bin/env node\n',
    [join(modules, '.package-lock.json')]: '{}',
  })
  await chmod(join(folder.path, home, 'main.js'), 0o755)
  await mkdir(join(folder.path, modules, '.bin'), { recursive: true })
  for (const name of Object.keys(manifest.bin ?? {}))
    await symlink(join(folder.path, home, 'main.js'), join(folder.path, modules, '.bin', name))
}

const scoped = { name: '@acme/files', version: '1.2.3', bin: { 'acme-files': 'main.js' } }
const plain = { name: 'files-mcp', version: '2.0.0', bin: { 'files-mcp': 'main.js' } }

/** A project with both packages, and a home whose npx cache has one more. */
async function project() {
  const folder = await tempFolder()
  await folder.write({ 'project/package.json': '{"name":"mine"}', 'project/deep/down/x': '', 'home/x': '' })
  await install(folder, 'project', scoped)
  await install(folder, 'project', plain)
  const cache = `home/.npm/_npx/${createHash('sha512').update('@acme/cached@3.1.0').digest('hex').slice(0, 16)}`
  await install(folder, cache, { name: '@acme/cached', version: '3.1.0', bin: { cached: 'main.js' } })
  return {
    folder,
    cache,
    cwd: join(folder.path, 'project'),
    env: { HOME: join(folder.path, 'home'), PATH: '/usr/bin' },
  }
}

test.each([
  ['an installed package by its name', ['-y', '@acme/files', '--root', '/x'], 'acme-files', ['--root', '/x']],
  ['without -y', ['@acme/files'], 'acme-files', []],
  ['in the version that is installed', ['--yes', '@acme/files@1.2.3'], 'acme-files', []],
  ['by the name of its program', ['-y', 'files-mcp', '-y'], 'files-mcp', ['-y']],
])('%s is started at once', async (_title, args, program, rest) => {
  const { folder, cwd, env } = await project()
  await using _ = folder
  const deep = join(cwd, 'deep', 'down')
  const shortcut = await shortcutOf(npx(deep, ...args), env)
  expect(shortcut).toMatchObject({ command: join(cwd, 'node_modules', '.bin', program), args: rest })
  const [first, , third] = shortcut?.path.split(':') ?? []
  expect([first, third]).toEqual([join(deep, 'node_modules', '.bin'), join(cwd, 'node_modules', '.bin')])
  expect(shortcut?.path.endsWith(':/node_modules/.bin:/usr/bin')).toBe(true)
})

test('an exact version in the cache of npx is started at once, its programs first in the path', async () => {
  const { folder, cwd, env, cache } = await project()
  await using _ = folder
  const bins = join(folder.path, cache, 'node_modules', '.bin')
  const shortcut = await shortcutOf(npx(cwd, '-y', '@acme/cached@3.1.0', 'a b'), env)
  expect(shortcut).toMatchObject({ command: join(bins, 'cached'), args: ['a b'] })
  expect(shortcut?.path.startsWith(`${bins}:${join(cwd, 'node_modules', '.bin')}:`)).toBe(true)
})

type Ground = Awaited<ReturnType<typeof project>>

test.each<[string, readonly string[], ((ground: Ground) => Promise<unknown>)?]>([
  ['a range, even one that is met', ['-y', '@acme/files@^1.0.0']],
  ['a tag', ['-y', '@acme/files@latest']],
  ['another version than the installed one', ['-y', '@acme/files@1.2.4']],
  ['a package that is only in the cache, asked for without a version', ['-y', '@acme/cached']],
  ['a version that is not in the cache', ['-y', '@acme/cached@3.1.1']],
  ['flags of npx', ['-y', '--package', '@acme/files', 'acme-files']],
  ['an address', ['-y', 'github:acme/files']],
  ['a folder', ['-y', './files']],
  ['nothing', ['-y']],
  [
    'a cache at work',
    ['-y', '@acme/cached@3.1.0'],
    ({ folder, cache }) => folder.write({ [`${cache}/concurrency.lock/x`]: '' }),
  ],
  [
    'settings that lead elsewhere',
    ['-y', '@acme/files'],
    ({ folder }) => folder.write({ 'project/.npmrc': 'prefix=/x\n' }),
  ],
  [
    'a workspace',
    ['-y', '@acme/files'],
    ({ folder }) => folder.write({ 'package.json': '{"workspaces":["project"]}' }),
  ],
  [
    'a project that has the program itself',
    ['-y', 'files-mcp'],
    ({ folder }) => folder.write({ 'project/package.json': '{"name":"files-mcp","bin":"x.js"}' }),
  ],
  [
    'a program that another package has put there',
    ['-y', '@acme/other'],
    async ({ folder }) => {
      await install(folder, 'project', { name: '@acme/other', version: '1.0.0' })
      const manifest = { name: '@acme/other', version: '1.0.0', bin: { 'files-mcp': 'main.js' } }
      await folder.write({ 'project/node_modules/@acme/other/package.json': JSON.stringify(manifest) })
    },
  ],
])('%s is left to npx', async (_title, args, change) => {
  const ground = await project()
  await using _ = ground.folder
  await change?.(ground)
  expect(await shortcutOf(npx(ground.cwd, ...args), ground.env)).toBeUndefined()
})

test('another command, and an environment that configures npm, are left alone', async () => {
  const { folder, cwd, env } = await project()
  await using _ = folder
  expect(await shortcutOf({ ...npx(cwd, '-y', '@acme/files'), command: 'uvx' }, env)).toBeUndefined()
  expect(await shortcutOf(npx(cwd, '-y', '@acme/files'), { ...env, npm_config_registry: 'http://x' })).toBeUndefined()
})

test.each([
  ['auto', 'ready'],
  ['npx', 'failed'],
] as const)('with resolve: %s a server installed here is %s where there is no npx', async (resolve, state) => {
  await using folder = await tempFolder()
  await symlink(process.execPath, join(folder.path, 'node'))
  const env = { PATH: `${folder.path}`, MEMORY_FILE_PATH: join(folder.path, 'memory.json') }
  const transport = { ...npx(root, '-y', memory), env }
  using socket = await holdSocket()
  await using proxy = await startProxy({ group: groupOf([serverOf('memory', { transport, resolve })]), socket })
  await waitFor(() => proxy.status()?.servers[0]?.state === state)
})
