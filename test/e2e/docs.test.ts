import { chmod, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lockIn, lockText } from '../../src/config/lock-data.ts'
import { parse } from '../../src/config/parse.ts'
import { checkSchema } from '../../src/config/schema.ts'
import { sourceOf } from '../../src/config/source.ts'
import { entryFile, packageFolder } from '../../src/shared/paths.ts'
import { exampleSet, freeOffset, makeProject, type Project } from '../helpers/project.ts'

const root = packageFolder()
const pages = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'))
const files = ['README.md', ...pages.map((name) => `docs/${name}`)]
const blocks = (await Promise.all(files.map(blocksOf))).flat()

interface Block {
  readonly file: string
  readonly language: string
  readonly text: string
}

async function blocksOf(file: string): Promise<Block[]> {
  const text = await readFile(join(root, file), 'utf8')
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    file,
    language,
    text,
  }))
}

const memory = join(root, 'node_modules/@modelcontextprotocol/server-memory/dist/index.js')
const dead = 'http://127.0.0.1:9/mcp'
let project: Project
let offset: number

beforeAll(async () => {
  project = await exampleSet()
  offset = await freeOffset()
  await project.temp.write({ 'bin/mcpctl': mcpctl(offset), 'bin/npx': npx, 'bin/npm': npm })
  for (const name of ['mcpctl', 'npx', 'npm']) await chmod(join(project.temp.path, 'bin', name), 0o755)
})

afterAll(() => project[Symbol.asyncDispose]())

/** Every `up` of the docs runs detached here, on free ports, so that the next line of the block gets its turn. */
const mcpctl = (offset: number) => `#!/bin/sh
if [ "$1" = up ]; then set -- "$@" -d --wait --port-offset ${offset}; fi
exec "${process.execPath}" "${entryFile('cli')}" "$@"
`
const npx = '#!/bin/sh\nexec "$@"\n'
/** Installing and testing is what is going on already; what is left to check is that the script exists. */
const npm = `#!/bin/sh
if [ "$1" = ci ]; then exit 0; fi
if [ "$1" = run ]; then shift; fi
grep -q "^    \\"$1\\":" package.json
`

/** What writes into the project folder runs in one of its own. */
const ownPages = ['docs/integrity.md']
/** Commands of other programs are shown for reading only. */
const runnable = blocks.filter(
  ({ file, language, text }) => language === 'sh' && !ownPages.includes(file) && !/^(claude|npx @|curl -X)/m.test(text),
)

describe('every command in the docs runs as written', () => {
  test.each(runnable.map((block) => [block.file, block.text.split('\n')[0], block] as const))(
    '%s: %s',
    async (_file, _line, block) => {
      await project.ok(['up', 'prod', '-d', '--wait', '--port-offset', `${offset}`], offline)
      const text = block.text.replaceAll(/:(76\d\d)\b/g, (_, port) => `:${Number(port) + offset}`)
      const result = await execa('sh', ['-ec', text], {
        cwd: root,
        reject: false,
        extendEnv: false,
        env: {
          ...offline,
          PATH: `${join(project.temp.path, 'bin')}:${process.env.PATH}`,
          HOME: project.temp.path,
          TMPDIR: project.temp.path,
          MCPCTL_HOME: join(project.temp.path, '.state'),
        },
      })
      expect(result.exitCode, result.stderr).toBe(0)
    },
  )
})

const offline = { GEOTAB_MCP_URL: dead, CONTEXT7_MCP_URL: dead, NOCODB_MCP_URL: dead, BASEROW_MCP_URL: dead }

test('the JSON in the docs is JSON', () => {
  for (const { text } of blocks.filter(({ language }) => language === 'json'))
    expect(() => JSON.parse(text)).not.toThrow()
})

test('the profile set of the README is valid and resolves', async () => {
  const [base = '', prod = ''] = blocks
    .filter(({ file, language }) => file === 'README.md' && language === 'yaml')
    .map(({ text }) => text)
  await using project = await makeProject({ 'mcpctl.yaml': base, 'profiles/prod.yaml': prod })
  await project.ok(['validate'], { WEATHER_TOKEN: 'a token' })
  const { stdout } = await project.ok(['config', 'prod', '--json'], { WEATHER_TOKEN: 'a token' })
  expect(stdout).not.toContain('a token')
  expect(stdout).toContain('https://weather.example.com/mcp')
})

test('the commands about locks run as written, on the profile set beside them', async () => {
  const page = blocks.filter(({ file }) => file === 'docs/integrity.md')
  const yaml = page.find(({ language }) => language === 'yaml')?.text ?? ''
  const commands = page.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.trim().split('\n'))
  await using project = await makeProject({
    'mcpctl.yaml': yaml.replace(/command: npx\n.*\n/, `command: ${process.execPath}\n    args: [${memory}]\n`),
  })
  expect(commands.length).toBeGreaterThan(2)
  for (const command of commands) await project.ok(command.split(' ').slice(1))
})

test('the lock shown is one', () => {
  const shown = blocks.find(({ file, language }) => file === 'docs/integrity.md' && language === 'json')?.text ?? ''
  expect(lockText(lockIn(JSON.parse(shown)))).toBe(shown)
})

test('the mistake shown in the README looks like that', async () => {
  const [base = '', prod = ''] = blocks
    .filter(({ file, language }) => file === 'README.md' && language === 'yaml')
    .map(({ text }) => text)
  const [shown = ''] = blocks
    .filter(({ file, text }) => file === 'README.md' && text.includes('wether'))
    .map(({ text }) => text)
  const broken = prod.replace('ref: weather', 'ref: wether')
  await using project = await makeProject({ 'mcpctl.yaml': base, 'profiles/prod.yaml': broken })
  const result = await project.run(['validate'], { WEATHER_TOKEN: 'a token' })
  expect(result.exitCode).toBe(6)
  for (const line of shown.trim().split('\n')) expect(result.stdout + result.stderr).toContain(line.trim())
})

const yaml = blocks.filter(({ language }) => language === 'yaml')

test.each(yaml.map((block) => [block.file, block.text.split('\n')[0], block] as const))(
  'the YAML is what the schemas say: %s: %s',
  (file, _line, { text }) => {
    const { root: map, diagnostics } = parse(sourceOf(file, text, root))
    expect(diagnostics).toEqual([])
    expect(map && checkSchema(map, /^(?:groups|extends):/m.test(text) ? 'profile' : 'base')).toEqual([])
  },
)

test('every profile of the example set is valid', () => project.ok(['validate']))

test.each(files)('every link of %s leads somewhere', async (file) => {
  const text = await readFile(join(root, file), 'utf8')
  for (const [, path = '', heading = ''] of text.matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)) {
    const target = path === '' ? text : await readFile(join(root, dirname(file), path), 'utf8')
    if (heading !== '') expect(headingsOf(target)).toContain(heading)
  }
})

/** As GitHub makes anchors of them. */
function headingsOf(text: string): string[] {
  const words = [...text.matchAll(/^#+ (.*)$/gm)].map(([, words = '']) => words.toLowerCase())
  return words.map((heading) => heading.replaceAll(/[^\w -]/g, '').replaceAll(' ', '-'))
}
