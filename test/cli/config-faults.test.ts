import { execFileSync } from 'node:child_process'
import { chmod, mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run as config } from '../../cli/commands/config.ts'
import { cli } from '../helpers/cli.ts'
import { tempFolder } from '../helpers/temp.ts'

const set = (groups: string, rest = '') => ({
  'mcpctl.yaml': `servers: { a: { command: node } }\nprofiles:\n  dev:\n    groups: ${groups}\n${rest}`,
})

async function project(files: Readonly<Record<string, string>>) {
  const folder = await tempFolder()
  await folder.write(files)
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    cli(args, { cwd: folder.path, env })
  return Object.assign(folder, { run })
}

const secret = {
  'mcpctl.yaml':
    'servers: { a: { command: node, env: { KEY: "${secret:s}" } } }\nsecrets: { s: { file: key } }\nprofiles: { dev: { groups: { g: { servers: [a] } } } }\n',
}

test('C-18: a secret file that others can read is a warning, and refused by validate --strict', async () => {
  await using p = await project({ ...secret, key: 'a-secret-of-a-file\n' })
  await chmod(join(p.path, 'key'), 0o644)
  const lax = await p.run(['validate', 'dev'])
  expect(lax).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('warning key can be read by others') })
  const strict = await p.run(['validate', 'dev', '--strict'])
  expect(strict).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('error key can be read by others') })
  expect(strict.stderr).toContain('hint: chmod 600 key')
  await chmod(join(p.path, 'key'), 0o600)
  expect(await p.run(['validate', 'dev', '--strict'])).toMatchObject({ exitCode: 0, stderr: '' })
})

test.each<[string, (path: string) => unknown, string]>([
  ['C-18: a secret file that is missing is exit 6', () => {}, 'key does not exist'],
  ['C-18: a folder in place of a secret file is exit 6', (path) => mkdir(path), 'key is a directory, not a file'],
  ['C-18: a FIFO in place of a secret file is exit 6, and nobody waits for it', fifo, 'key is not a regular file'],
  ['C-18: a megabyte in place of a secret is exit 6', megabyte, 'key is larger than 64 KiB'],
])('%s', async (_title, make, message) => {
  await using p = await project(secret)
  await make(join(p.path, 'key'))
  for (const args of [
    ['validate', 'dev'],
    ['up', '-d'],
  ]) {
    const { exitCode, stderr } = await p.run(args)
    expect(exitCode).toBe(6)
    expect(stderr).toContain(`mcpctl.yaml:2:23 error secret "s": ${message}`)
  }
})

function fifo(path: string): void {
  execFileSync('mkfifo', [path])
}

async function megabyte(path: string): Promise<void> {
  await writeFile(path, '')
  await truncate(path, 1024 * 1024)
}

test('what only this machine lacks does not fail validate --strict of the whole set, a lint does', async () => {
  await using p = await project(
    set('{ g: { servers: [b] } }', '    servers: { b: { command: node, args: ["${NOT_SET_HERE}"] } }\n'),
  )
  expect(await p.run(['validate', '--strict'])).toMatchObject({ exitCode: 0 })
  expect(await p.run(['validate', 'dev', '--strict'])).toMatchObject({ exitCode: 6 })
  await p.write(set('{ g: { port: 40000, servers: [a] } }'))
  expect(await p.run(['validate'])).toMatchObject({ exitCode: 0 })
  const { exitCode, stdout } = await p.run(['validate', '--strict', '--json'])
  expect(exitCode).toBe(6)
  expect(JSON.parse(stdout)).toMatchObject({
    valid: false,
    diagnostics: [{ severity: 'error', code: 'ephemeral_port' }],
  })
})

test('C-24: groups beyond loopback without auth are exit 6 with what to do, and nothing runs', async () => {
  const hosts = ['0.0.0.0', '::', '192.0.2.7']
  const groups = hosts.map((host, n) => `g${n}: { host: "${host}", port: ${7990 + n}, servers: [a] }`)
  await using p = await project(set(`{ ${groups.join(', ')} }`))
  for (const args of [['validate'], ['up', '-d']]) {
    const { exitCode, stderr } = await p.run(args)
    expect(exitCode).toBe(6)
    for (const [n, host] of hosts.entries())
      expect(stderr).toContain(`group "g${n}" is open to the network on ${host} without auth`)
    expect(stderr).toContain('hint: add auth: { type: bearer, tokens: "${secret:NAME}" }, or take host 127.0.0.1')
  }
  expect((await p.run(['status'])).exitCode).toBe(4)
})

test('C-24: with auth it is taken, and every command that reads it says where it is open', async () => {
  const auth = 'auth: { tokens: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }'
  await using p = await project(set(`{ g: { host: 0.0.0.0, port: 7999, ${auth}, servers: [a] } }`))
  const banner = 'warning group "g" is open to the network on 0.0.0.0, to clients that have a token'
  for (const args of [['validate', 'dev', '--strict'], ['plan']])
    expect(await p.run(args)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(banner) })
})

test('C-26: a base file that others may change is exit 6 and starts nothing, unless that is allowed', async () => {
  await using p = await project(set('{ g: { servers: [a] } }'))
  await chmod(join(p.path, 'mcpctl.yaml'), 0o666)
  for (const args of [
    ['up', '-d'],
    ['validate', 'dev'],
    ['validate', '--strict'],
  ]) {
    const { exitCode, stderr } = await p.run(args)
    expect({ args, exitCode }).toEqual({ args, exitCode: 6 })
    expect(stderr).toContain('anybody on this machine may change mcpctl.yaml')
    expect(stderr).toContain('chmod o-w mcpctl.yaml; --allow-insecure-config takes it as it is')
  }
  expect((await p.run(['status'])).exitCode).toBe(4)
  const warning = { exitCode: 0, stderr: expect.stringContaining('warning anybody on this machine may change') }
  // Who checks all files for others (in CI, with a umask of its own) is only told.
  expect(await p.run(['validate'])).toMatchObject(warning)
  expect(await p.run(['--allow-insecure-config', 'plan'])).toMatchObject(warning)
  expect(await p.run(['validate', 'dev', '--strict', '--allow-insecure-config'])).toMatchObject(warning)
  expect(await p.run(['config'], { MCPCTL_ALLOW_INSECURE_CONFIG: '1' })).toMatchObject(warning)
})

test.each([
  ['C-32: an empty file is exit 6, never a set of no groups', '', 'the file is empty'],
  ['C-32: so is one of comments', '# nothing\n', 'the file holds only comments'],
  ['C-32: so is one with a list at its root', '- a\n', 'holds a list where a map of keys is needed'],
  ['C-32: so is one of two documents', 'version: 1\n---\nversion: 1\n', 'more than one YAML document'],
  ['C-32: so is a profile whose groups are none', 'profiles: { dev: { groups: {} } }\n', 'profile "dev" has no groups'],
])('%s', async (_title, text, message) => {
  await using p = await project({ 'mcpctl.yaml': text })
  const { exitCode, stdout, stderr } = await p.run(['up', '-d'])
  expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: '' })
  expect(stderr).toContain(message)
  expect((await p.run(['status'])).exitCode).toBe(4)
})

const hostile = 'red \u001b[31mhere\u001b[0m \u202ereversed\u202c zero\u200bwidth \u0007bell'

test('C-35: what a terminal would obey is refused in names and shown as text from descriptions', async () => {
  await using p = await project({
    'mcpctl.yaml': `servers: { a: { command: node } }\nprofiles:\n  dev:\n    description: ${JSON.stringify(hostile)}\n    groups: { g: { servers: [a] } }\n`,
  })
  const { exitCode, stdout } = await p.run(['profiles'])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('red [31mhere[0m reversed zerowidth bell')
  expect(await p.run(['config'])).toMatchObject({ exitCode: 0, stdout: expect.not.stringMatching(CONTROL) })
  const names = ['\u001b[31mred', 'a\u202eb', 'a\u200bb'].map((name) => JSON.stringify(name))
  const groups = names.map((name) => `${name}: { servers: [a] }`).join(', ')
  const profiles = names.map((name, n) => `${name}: { default: ${n === 0}, groups: { ${groups} } }`).join(', ')
  await p.write({ 'mcpctl.yaml': `servers: { a: { command: node } }\nprofiles: { ${profiles} }\n` })
  for (const args of [['validate'], ['profiles'], ['up', '-d'], ['validate', '--format', 'github']]) {
    const { stdout, stderr, exitCode } = await p.run(args)
    expect(exitCode).toBe(args[0] === 'profiles' ? 0 : 6)
    expect(`${stdout}${stderr}`).not.toMatch(UNSEEN)
  }
})

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that must not be there.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: with those that cannot be seen.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e]/

test('C-35: on a terminal config shows nothing that cannot be seen either', async () => {
  await using p = await project({
    'mcpctl.yaml': `servers: { a: { command: node } }\nprofiles:\n  dev:\n    description: ${JSON.stringify(hostile)}\n    groups: { g: { servers: [a] } }\n`,
  })
  const written: string[] = []
  const stdout = { isTTY: true, write: (chunk: string | Uint8Array) => written.push(String(chunk)) }
  const flags = {
    profile: undefined,
    files: [],
    envFiles: [],
    output: 'human',
    progress: 'auto',
    quiet: true,
    verbose: false,
    color: false,
    allowInsecureConfig: false,
  } as const
  const env = { HOME: p.path, MCPCTL_HOME: join(p.path, '.state') }
  const context = { flags, env, cwd: p.path, version: '0', execPath: '', stdout, stderr: stdout }
  const onSignal = () => ({ [Symbol.dispose]: () => {} })
  expect(await config({ ...context, onSignal }, { args: [], options: {} })).toBe(0)
  expect(written.join('')).toContain('reversed')
  expect(written.join('')).not.toMatch(UNSEEN)
})

test('C-36: a token written out is a warning that does not repeat it, and config covers it', async () => {
  const canary = 'ghp_0123456789abcdef0123456789abcdef0123'
  await using p = await project({
    'mcpctl.yaml': `servers:
  remote: { url: "https://mcp.example.com/mcp", headers: { Authorization: "Bearer ${canary}", X-Api-Key: "${canary}" } }
  local: { command: node, args: ["--token", "${canary}"], env: { GITHUB_TOKEN: "${canary}" } }
profiles: { dev: { groups: { g: { servers: [remote, local] } } } }
`,
  })
  const valid = await p.run(['validate'])
  expect(valid).toMatchObject({ exitCode: 0 })
  expect(valid.stderr.match(/warning a secret is written out in this file/g)).toHaveLength(4)
  const strict = await p.run(['validate', '--strict'])
  expect(strict).toMatchObject({ exitCode: 6 })
  const shown = [valid, strict, await p.run(['config', '--origin']), await p.run(['config', '--json'])]
  expect(JSON.stringify(shown)).not.toContain(canary)
  expect(shown[2]?.stdout).toContain('Authorization: ‹secret›')
})
