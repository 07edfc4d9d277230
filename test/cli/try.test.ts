import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { exampleSet, freeOffset, makeProject, type Project, stdioServer } from '../helpers/project.ts'

let project: Project

beforeAll(async () => {
  project = await exampleSet()
  await project.ok(['up', 'dev', '-d', '--wait', '--port-offset', `${await freeOffset()}`])
})

afterAll(() => project[Symbol.asyncDispose]())

test('tools are signatures for people and whole objects for programs', async () => {
  const human = await project.ok(['tools', 'local-fast/everything'])
  expect(human.stdout).toContain('local-fast/everything\n')
  expect(human.stdout).toContain('  get-sum(a: number, b: number)')
  const json = await project.ok(['tools', 'local-fast/everything', '--json'])
  const { kind, tools } = JSON.parse(json.stdout)
  expect(kind).toBe('Tools')
  expect(tools.find(({ name }: { name: string }) => name === 'get-sum')).toMatchObject({
    inputSchema: { type: 'object', required: ['a', 'b'] },
  })
  const all = JSON.parse((await project.ok(['tools', '--json'])).stdout).tools
  expect(all[0]).toMatchObject({ group: 'local-fast', name: expect.stringMatching(/^thinking_/) })
})

test('beside a name that was cut stands the whole one', async () => {
  const prefix = 'long-'.repeat(13)
  await using long = await makeProject({
    'mcpctl.yaml': `version: 1
servers:
  echo: ${stdioServer('echo')}
profiles:
  a:
    default: true
    groups:
      one: { port: ${await freePort()}, servers: [{ ref: echo, prefix: ${prefix} }] }
`,
  })
  await long.ok(['up', '-d', '--wait'])
  const human = await long.ok(['tools', 'one'])
  const [tool] = JSON.parse((await long.ok(['tools', 'one', '--json'])).stdout).tools
  expect(human.stdout).toContain(`)  ${prefix}`)
  expect(tool.name).toHaveLength(64)
  expect(tool._meta).toEqual({ 'mcpctl/name': expect.stringMatching(`^${prefix}`) })
})

test('call prints the text, and with --json the whole result', async () => {
  const human = await project.ok(['call', 'local-fast', 'everything_get-sum', 'a:=2', 'b:=3'])
  expect(human.stdout).toBe('The sum of 2 and 3 is 5.')
  expect(human.stderr).toMatch(/^everything_get-sum took /)
  const args = ['call', 'local-fast/everything', 'get-sum', '--args', '{"a":2,"b":3}', '--json']
  expect(JSON.parse((await project.ok(args)).stdout)).toEqual({
    content: [{ type: 'text', text: 'The sum of 2 and 3 is 5.' }],
  })
})

test.each([
  ['a tool that reports an error', ['call', 'local-fast', 'everything_get-sum', 'a=x'], 5, 'tool_error'],
  ['an unknown tool', ['call', 'local-fast', 'everything_get-sun'], 5, 'tool_error'],
  ['an unknown group', ['call', 'local-slow', 'x'], 2, 'usage'],
  ['an unknown server', ['tools', 'local-fast/nobody'], 2, 'usage'],
  ['an unknown prompt', ['prompt', 'local-fast', 'nope'], 5, 'tool_error'],
])('%s', async (_title, args, exit, code) => {
  const { exitCode, stderr } = await project.run([...args, '--json'])
  expect(exitCode).toBe(exit)
  expect(JSON.parse(stderr).error).toMatchObject({ code, exit })
})

test('a misspelt tool gets a suggestion', async () => {
  const { stderr } = await project.run(['call', 'local-fast', 'everything_get-sun'])
  expect(stderr).toContain('did you mean "everything_get-sum"?')
})

test('resources are listed and read', async () => {
  const { resources, resourceTemplates } = JSON.parse((await project.ok(['resources', 'local-fast', '--json'])).stdout)
  expect(resourceTemplates.length).toBeGreaterThan(0)
  const { uri } = resources.find(({ uri }: { uri: string }) => uri.startsWith('demo://'))
  const { stdout } = await project.ok(['read', 'local-fast', uri])
  expect(stdout.length).toBeGreaterThan(10)
  expect(JSON.parse((await project.ok(['read', 'local-fast', uri, '--json'])).stdout).contents[0].uri).toBe(uri)
})

test('prompts are listed and filled in', async () => {
  expect((await project.ok(['prompts', 'local-fast'])).stdout).toContain('everything_args-prompt(city, state?)')
  const { stdout } = await project.ok(['prompt', 'local-fast', 'everything_args-prompt', 'city=Oslo'])
  expect(stdout).toMatch(/^user: .*Oslo/)
})

test('ping measures round trips', async () => {
  const { stdout } = await project.ok(['ping', 'local-fast', '-n', '3', '--json'])
  expect(JSON.parse(stdout).targets).toMatchObject([{ target: 'local-fast', count: 3, min: expect.any(Number) }])
})

test('a stopped group is exit 4', async () => {
  await project.ok(['stop', 'local-fast'])
  expect(await project.run(['tools', 'local-fast'])).toMatchObject({
    exitCode: 4,
    stderr: 'mcpctl: the group local-fast is stopped\nhint: mcpctl start local-fast',
  })
  expect((await project.run(['call', 'local-fast', 'everything_echo', 'message=x'])).exitCode).toBe(4)
  await project.ok(['start', 'local-fast'])
})
