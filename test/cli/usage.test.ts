import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { cli } from '../helpers/cli.ts'
import { tempFolder } from '../helpers/temp.ts'

test.each([['--version'], ['-V']])('%s prints the bare version', async (flag) => {
  await using folder = await tempFolder()
  expect(await cli([flag], { cwd: folder.path })).toMatchObject({ exitCode: 0, stdout: manifest.version, stderr: '' })
})

test.each([[[]], [['--help']], [['help']]])('%j shows the commands on stdout', async (args) => {
  await using folder = await tempFolder()
  const { exitCode, stdout, stderr } = await cli(args, { cwd: folder.path })
  expect(exitCode).toBe(0)
  expect(stderr).toBe('')
  for (const command of ['up', 'down', 'status', 'validate', 'tools', 'call', 'ping'])
    expect(stdout).toContain(`  ${command}`)
})

test('the help of a command has examples', async () => {
  await using folder = await tempFolder()
  const { exitCode, stdout } = await cli(['up', '--help'], { cwd: folder.path })
  expect(exitCode).toBe(0)
  expect(stdout).toContain('Examples:\n  $ mcpctl up dev')
})

test.each([
  ['an unknown command', ['stats'], /unknown command 'stats'[\s\S]*status/],
  ['an unknown flag', ['status', '--watsch'], /unknown option '--watsch'[\s\S]*--watch/],
  ['help on what is not there', ['help', 'stats'], /there is no help on that[\s\S]*mcpctl --help/],
  ['a missing argument', ['call', 'local-fast'], /missing required argument 'tool'/],
  ['too many arguments', ['url', 'a', 'b'], /too many arguments/],
  ['a duration without a unit', ['up', '-d', '--wait-timeout', '60'], /"60" is not a duration[\s\S]*60s/],
  ['a count that is no number', ['logs', '-n', 'ten'], /"ten" is not a whole number/],
  ['an output that does not exist', ['status', '-o', 'xml'], /xml[\s\S]*human/],
  ['arguments that are no JSON', ['call', 'g', 't', '--args', '{'], /\{ is not JSON/],
])('%s is exit 2 with a sentence on stderr', async (_title, args, sentence) => {
  await using folder = await tempFolder()
  const { exitCode, stdout, stderr } = await cli(args, { cwd: folder.path })
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toMatch(sentence)
  expect(stderr).not.toMatch(/^\s+at /m)
})

test.each([
  [['stats', '--json']],
  [['--json', 'stats']],
  [['stats', '-o', 'json']],
  [['up', '--wait-timeout', '60', '--output=json']],
])('%j fails with one JSON line', async (args) => {
  await using folder = await tempFolder()
  const { exitCode, stdout, stderr } = await cli(args, { cwd: folder.path })
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr.split('\n')).toHaveLength(1)
  expect(JSON.parse(stderr)).toEqual({
    error: { code: 'usage', exit: 2, message: expect.any(String), hint: expect.any(String), diagnostics: [] },
  })
})

test.each([['status'], ['wait'], ['events'], ['logs'], ['restart'], ['reload'], ['tools'], ['ping']])(
  '%s without a supervisor is exit 4',
  async (command) => {
    await using folder = await tempFolder()
    const { exitCode, stdout, stderr } = await cli([command], { cwd: folder.path })
    expect(exitCode).toBe(4)
    expect(stdout).toBe('')
    expect(stderr).toContain('mcpctl up')
  },
)

test('down with nothing running is done already', async () => {
  await using folder = await tempFolder()
  expect(await cli(['down', '--json'], { cwd: folder.path })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('"stopped": []'),
    stderr: '',
  })
})
