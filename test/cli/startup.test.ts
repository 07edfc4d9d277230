import { statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { entryFile } from '../../src/shared/paths.ts'
import { tempFolder } from '../helpers/temp.ts'

const preload = fileURLToPath(new URL('../fixtures/preload/loaded.cjs', import.meta.url))

/** The built files that a command had loaded at its end, without the hashes in their names. */
async function loaded(cwd: string, ...args: string[]): Promise<readonly { name: string; bytes: number }[]> {
  const env = { HOME: cwd, MCPCTL_HOME: cwd, PATH: process.env.PATH }
  const options = { cwd, env, extendEnv: false, reject: false } as const
  const { stderr } = await execa(process.execPath, ['-r', preload, entryFile('cli'), ...args], options)
  const files: readonly string[] = JSON.parse(stderr.split('\n').findLast((line) => line.startsWith('[')) ?? '')
  return files.map((file) => ({ name: basename(file, '.js').replace(/-[\w-]{8}$/, ''), bytes: statSync(file).size }))
}

const names = (files: readonly { readonly name: string }[]) => files.map(({ name }) => name)

test('--version is answered by one small file', async () => {
  await using folder = await tempFolder()
  const files = await loaded(folder.path, '--version')
  expect(names(files)).toEqual(['cli'])
  expect(files[0]?.bytes).toBeLessThan(10_000)
})

test.each(['status', 'down', 'wait', 'url x', 'logs', 'help'])(
  '%s is in one file with the command line: no YAML, no schemas, no SDK, no supervisor',
  async (command) => {
    await using folder = await tempFolder()
    const files = await loaded(folder.path, ...command.split(' '))
    const more = command === 'down' ? ['procfs', 'starting', 'sweep'] : []
    expect(names(files).toSorted()).toEqual(['cli', ...more, 'program', 'rolldown-runtime'].toSorted())
    expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(120_000)
  },
)

test.each(['validate', 'profiles'])('%s reads the profile set without SDK and supervisor', async (command) => {
  await using folder = await tempFolder()
  await writeFile(join(folder.path, 'mcpctl.yaml'), 'profiles: { dev: { groups: { g: { servers: [] } } } }\n')
  const files = names(await loaded(folder.path, command))
  expect(files).toContain('profile-set')
  for (const heavy of ['client', 'start']) expect(files).not.toContain(heavy)
})

test('every built file is ASCII: one character beyond Latin-1 doubles what it takes in memory', async () => {
  const entries = ['cli', 'supervisor', 'proxy'] as const
  const texts = await Promise.all(entries.map((name) => readFile(entryFile(name))))
  for (const text of texts) expect(text.some((byte) => byte > 0x7f)).toBe(false)
})

test('a home that cannot be written to keeps no command from running', async () => {
  const env = { HOME: '/proc/nowhere', PATH: process.env.PATH }
  const deadline = { timeout: 20_000, killSignal: 'SIGKILL' } as const
  const run = execa(process.execPath, [entryFile('cli'), 'help'], { env, extendEnv: false, ...deadline })
  await expect(run).resolves.toMatchObject({ exitCode: 0, stderr: '' })
})
