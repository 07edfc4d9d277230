import { execFileSync } from 'node:child_process'
import { chmod, symlink, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadProfileSet } from '../../src/config/load.ts'
import { type Resolution, resolveProfile } from '../../src/config/resolve.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { oneLine } from './problems.ts'

type Env = Readonly<Record<string, string>>

async function resolve(folder: TempFolder, env: Env = {}, envFiles: readonly string[] = []): Promise<Resolution> {
  const set = await loadProfileSet({ cwd: folder.path, files: [], env: {} })
  return resolveProfile(set, 'dev', { env: { PATH: process.env['PATH'], ...env }, envFiles, portOffset: 0 })
}

async function problems(folder: TempFolder, env: Env = {}, envFiles: readonly string[] = []): Promise<string[]> {
  try {
    return (await resolve(folder, env, envFiles)).warnings.map(oneLine)
  } catch (error) {
    if (error instanceof McpctlError) return error.diagnostics.map(oneLine)
    throw error
  }
}

function environmentOf({ profile }: Resolution): Env {
  const transport = profile.groups[0]?.servers[0]?.transport
  return transport?.kind === 'stdio' ? transport.env : {}
}

const asking = (value: string, rest = '') =>
  `servers: { a: { command: a, env: { V: "${value}" } } }\nprofiles:\n  dev:\n    groups: { g: { servers: [a] } }\n${rest}`

test('the environment wins over --env-file, that over envFile, that over .env; the later of each wins', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': asking('${P}${F}${E}${D}', '    envFile: [one.env, two.env]\n'),
    '.env': 'D=dot\nE=dot\nF=dot\nP=dot\n',
    'one.env': 'E=one\nF=one\nP=one\n',
    'two.env': 'E=two\nF=two\nP=two\n',
    'flag1.env': 'F=flag1\nP=flag1\n',
    'flag2.env': 'F=flag2\nP=flag2\n',
  })
  const flags = ['flag1.env', 'flag2.env'].map((name) => join(folder.path, name))
  expect(environmentOf(await resolve(folder, { P: 'process' }, flags))).toEqual({ V: 'processflag2twodot' })
})

test('what an env file holds is not expanded', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': asking('${A}'), '.env': "A='${HOME} $B'\nB=b\n" })
  expect(environmentOf(await resolve(folder))).toEqual({ V: '${HOME} $B' })
})

test('an env file that is named has to exist, unless it says that it may not', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': asking('x', '    envFile:\n      - { path: maybe.env, required: false }\n      - sure.env\n'),
  })
  expect(await problems(folder)).toEqual([
    'mcpctl.yaml:7:9 env_file: the env file sure.env does not exist (write { path: …, required: false } if it may be missing)',
  ])
  expect(await problems(folder, {}, [join(folder.path, 'flag.env')])).toContain(
    'flag.env:1:1 env_file: the env file flag.env does not exist',
  )
})

test('the name of an env file may hold variables, and every env file is a source to watch', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': asking('${A}', '    envFile: [".env.${STAGE:-dev}", { path: later.env, required: false }]\n'),
    '.env.ci': 'A=ci\n',
  })
  const resolution = await resolve(folder, { STAGE: 'ci' })
  expect(environmentOf(resolution)).toEqual({ V: 'ci' })
  expect([...resolution.sources.keys()]).toEqual(
    expect.arrayContaining(['.env', '.env.ci', 'later.env', 'mcpctl.yaml'].map((name) => join(folder.path, name))),
  )
})

test('an env file that is not in the project folder may be beside the file that names it', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': 'servers: { a: { command: a, env: { V: "${A}${B}" } } }\n',
    'profiles/dev.yaml': 'envFile: [a.env, b.env]\ngroups: { g: { servers: [a] } }\n',
    'profiles/a.env': 'A=beside\n',
    'profiles/b.env': 'B=beside\n',
    'b.env': 'B=project\n',
  })
  expect(environmentOf(await resolve(folder))).toEqual({ V: 'besideproject' })
})

test('secrets come from a variable, a file or a program, and are all listed for redaction', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': asking(
      '${secret:v} ${secret:f} ${secret:p} ${secret:s}',
      'secrets:\n  v: { env: SECRET }\n  f: { file: "${DIR}/key" }\n  p: { command: [printf, "from a program\\n"] }\n  s: { command: "echo one  two" }\n  unused: { file: nowhere }\n',
    ),
    'keys/key': 'from a file\r\n',
    '.env': 'SECRET=from a variable\n',
  })
  await chmod(join(folder.path, 'keys/key'), 0o600)
  const resolution = await resolve(folder, { DIR: 'keys' })
  const secrets = ['from a variable', 'from a file', 'from a program', 'one two']
  expect(environmentOf(resolution)).toEqual({ V: secrets.join(' ') })
  expect(resolution.profile.secrets).toEqual(secrets)
  expect(resolution.warnings).toEqual([])
  expect([...resolution.sources.keys()]).toContain(join(folder.path, 'keys/key'))
})

test('C-18: a program that is given no shell cannot be made to run another', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': asking('${secret:s}', 'secrets: { s: { command: "echo $HOME; touch pwned" } }\n'),
  })
  expect(environmentOf(await resolve(folder))).toEqual({ V: '$HOME; touch pwned' })
})

test('C-18: a secret file that others can read is a warning', async () => {
  await using folder = await tempFolder()
  const path = await folder.write({
    'mcpctl.yaml': asking('${secret:s}', 'secrets: { s: { file: key } }\n'),
    key: 'value\n',
  })
  await chmod(path, 0o644)
  expect(await problems(folder)).toEqual([
    'mcpctl.yaml:5:23 warning secret_file_mode: key can be read by others (mode 644) (chmod 600 key)',
  ])
})

const broken: readonly (readonly [what: string, make: (path: string) => unknown, message: string])[] = [
  ['a FIFO', (path) => execFileSync('mkfifo', [path]), 'key is not a regular file'],
  ['a folder', (path) => execFileSync('mkdir', [path]), 'key is a directory, not a file'],
  ['a device', (path) => symlink('/dev/zero', path), 'key is not a regular file'],
  [
    'a megabyte',
    (path) => execFileSync('sh', ['-c', `: > ${path}`]) && truncate(path, 1024 * 1024),
    'key is larger than 64 KiB',
  ],
  ['nothing', (path) => execFileSync('sh', ['-c', `: > ${path}`]), 'key is empty'],
]

test.each(broken)('C-18: a secret file that is %s is an error, and nothing blocks', async (_what, make, message) => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': asking('${secret:s}', 'secrets: { s: { file: key } }\n') })
  await make(join(folder.path, 'key'))
  expect(await problems(folder)).toEqual([`mcpctl.yaml:5:23 secret_file: secret "s": ${message}`])
})

test('a failing program does not tell what it printed', async () => {
  await using folder = await tempFolder()
  await folder.write({
    'mcpctl.yaml': asking(
      '${secret:s}',
      'secrets: { s: { command: [sh, -c, "echo hunter22; echo hunter22 >&2; exit 3"] } }\n',
    ),
  })
  expect(await problems(folder)).toEqual(['mcpctl.yaml:5:26 secret_command: secret "s": sh failed with exit code 3'])
})

test('an error names the variable, never the value of another', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': asking('${TOKEN}${MISSING}') })
  expect((await problems(folder, { TOKEN: 'hunter22' })).join()).not.toContain('hunter22')
})
