import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { cli } from '../helpers/cli.ts'
import { tempFolder } from '../helpers/temp.ts'

const files = {
  'mcpctl.yaml': `version: 1
name: seed
servers:
  memory: { command: node, args: [memory.mjs] }
  remote: { url: "https://mcp.example.com/mcp", headers: { Authorization: "Bearer \${secret:token}" } }
secrets: { token: { env: REMOTE_TOKEN } }
`,
  'profiles/dev.yaml': `default: true
groups:
  fast: { port: 7611, servers: [memory] }
`,
  'profiles/prod.yaml': `extends: dev
match: { env: [production] }
groups:
  remote: { port: 7612, servers: [remote] }
`,
}
const env = { REMOTE_TOKEN: 'quite-a-secret' }

async function project(changes: Readonly<Record<string, string>> = {}) {
  const folder = await tempFolder()
  await folder.write({ ...files, ...changes })
  return folder
}

test('validate names the profiles it checked', async () => {
  await using folder = await project()
  expect(await cli(['validate'], { cwd: folder.path, env })).toMatchObject({ exitCode: 0, stdout: 'valid: dev, prod' })
  expect(await cli(['validate', 'dev'], { cwd: folder.path })).toMatchObject({ exitCode: 0, stdout: 'valid: dev' })
  expect(await cli(['validate', '-p', 'prod'], { cwd: folder.path, env })).toMatchObject({ stdout: 'valid: prod' })
})

const broken = { 'profiles/dev.yaml': 'default: true\ngroups:\n  fast: { ports: 7611, servers: [memry] }\n' }

test('validate tells every problem with its place, its line and a suggestion, and is exit 6', async () => {
  await using folder = await project(broken)
  const { exitCode, stdout, stderr } = await cli(['validate', 'dev'], { cwd: folder.path })
  expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: '' })
  expect(stderr).toContain('profiles/dev.yaml:3:11 error unknown key "ports"')
  expect(stderr).toContain('hint: did you mean "port"?')
  expect(stderr).toMatch(/profiles\/dev\.yaml:3:\d+ error .*"memry"/)
  expect(stderr).toContain('> 3 |')
})

test('validate --json has the verdict on stdout and the failure on stderr', async () => {
  await using folder = await project(broken)
  const { exitCode, stdout, stderr } = await cli(['validate', '--json'], { cwd: folder.path })
  expect(exitCode).toBe(6)
  const { valid, diagnostics } = JSON.parse(stdout)
  expect(valid).toBe(false)
  expect(diagnostics[0]).toMatchObject({ severity: 'error', file: 'profiles/dev.yaml', line: 3 })
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'config_invalid',
    exit: 6,
    diagnostics: [{ line: 3 }, { line: 3 }],
  })
})

test('validate --format github annotates the lines', async () => {
  await using folder = await project(broken)
  const { exitCode, stdout } = await cli(['validate', '--format', 'github'], { cwd: folder.path })
  expect(exitCode).toBe(6)
  expect(stdout).toMatch(/^::error file=profiles\/dev\.yaml,line=3,col=11,title=unknown_key::unknown key "ports"/)
})

test('validate --format sarif is a log on stdout', async () => {
  await using folder = await project(broken)
  const { stdout } = await cli(['validate', '--format', 'sarif'], { cwd: folder.path })
  expect(JSON.parse(stdout)).toMatchObject({ version: '2.1.0', runs: [{ results: [{ level: 'error' }, {}] }] })
})

test('config prints what was resolved as YAML, without the secret', async () => {
  await using folder = await project()
  const { exitCode, stdout } = await cli(['config', 'prod'], { cwd: folder.path, env })
  expect(exitCode).toBe(0)
  expect(stdout).not.toContain('quite-a-secret')
  expect(parse(stdout)).toMatchObject({ name: 'prod', groups: [{ name: 'fast', port: 7611 }, { name: 'remote' }] })
  const json = await cli(['config', 'prod', '--json'], { cwd: folder.path, env })
  expect(JSON.parse(json.stdout)).toEqual(parse(stdout))
})

test('config --origin names the line of each value', async () => {
  await using folder = await project()
  const { stdout } = await cli(['config', 'dev', '--origin'], { cwd: folder.path })
  expect(stdout).toContain('port: 7611 # profiles/dev.yaml:3')
  expect(stdout).toContain('command: node # mcpctl.yaml:4')
  const json = await cli(['config', 'dev', '--origin', '--json'], { cwd: folder.path })
  expect(JSON.parse(json.stdout).origins['/groups/0/port']).toBe('profiles/dev.yaml:3')
})

test('config --diff prints what the other profile has otherwise', async () => {
  await using folder = await project()
  const { stdout } = await cli(['config', 'dev', '--diff', 'prod'], { cwd: folder.path, env })
  expect(stdout).toBe('+ /groups/remote\n- /name: "dev"\n+ /name: "prod"')
})

test.each([
  ['the default', {}, 'dev', 'default'],
  ['ENV', { ENV: 'production' }, 'prod', 'match'],
  ['MCPCTL_PROFILE', { MCPCTL_PROFILE: 'prod' }, 'prod', 'MCPCTL_PROFILE'],
] as const)('profiles shows that %s chooses', async (_title, extra, name, rule) => {
  await using folder = await project()
  const { stdout } = await cli(['profiles', '--json'], { cwd: folder.path, env: extra })
  const { chosen, profiles } = JSON.parse(stdout)
  expect(chosen).toMatchObject({ name, rule })
  expect(profiles.filter((profile: { chosen: boolean }) => profile.chosen)).toMatchObject([{ name }])
  const human = await cli(['profiles'], { cwd: folder.path, env: extra })
  expect(human.stdout).toMatch(new RegExp(`^\\* +${name}`, 'm'))
})

test('use remembers, refuses what does not exist, and forgets', async () => {
  await using folder = await project()
  const run = (...args: string[]) => cli(args, { cwd: folder.path })
  expect(await run('use', 'prod')).toMatchObject({ exitCode: 0, stdout: 'prod' })
  expect(JSON.parse((await run('profiles', '--json')).stdout).chosen).toMatchObject({ name: 'prod', rule: 'use' })
  expect(await run('use', 'prood')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('did you mean "prod"?'),
  })
  expect(await run('use')).toMatchObject({ exitCode: 0, stdout: 'prod' })
  expect(await run('use', '--unset')).toMatchObject({ exitCode: 0, stdout: '' })
  expect(JSON.parse((await run('profiles', '--json')).stdout).chosen).toMatchObject({ name: 'dev', rule: 'default' })
})

test('plan with nothing running says what a first up would start', async () => {
  await using folder = await project()
  const plan = await cli(['plan', 'prod'], { cwd: folder.path, env })
  expect(plan).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\+ fast start: .*\n\+ remote start: .*$/) })
  const one = await cli(['plan', 'prod', 'fast', '--json'], { cwd: folder.path, env })
  expect(JSON.parse(one.stdout).plan.actions).toMatchObject([{ do: 'start', group: 'fast' }])
  expect((await cli(['plan', 'prod', 'fasst'], { cwd: folder.path, env })).exitCode).toBe(2)
})

test.each(['mcpctl', 'profile', 'defs', 'lock'])('schema %s prints a JSON Schema', async (name) => {
  await using folder = await tempFolder()
  const { stdout } = await cli(['schema', name], { cwd: folder.path })
  expect(JSON.parse(stdout).$schema).toContain('draft-07')
})

test('without a profile set the commands that need one are exit 6 and say where they looked', async () => {
  await using folder = await tempFolder()
  for (const command of ['validate', 'config', 'profiles', 'plan']) {
    const { exitCode, stderr } = await cli([command], { cwd: folder.path })
    expect(exitCode, command).toBe(6)
    expect(stderr).toContain(folder.path)
  }
})
