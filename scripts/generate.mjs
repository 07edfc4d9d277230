// Generates from the hand-written schemas: into src/config/generated/ the types of files as written, and validators as
// plain code, because compiling schemas at every start would cost about 60 ms; into docs/configuration.md the tables of
// keys. With --check nothing is written and drift fails.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Ajv from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import { compile } from 'json-schema-to-typescript'
import { build } from 'rolldown'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const schemas = join(root, 'schemas')
const names = ['defs.schema.json', 'mcpctl.schema.json', 'profile.schema.json']
/** Of docs/configuration.md, by the title of a type. */
const sections = {
  filter: 'filter',
  timeouts: 'timeouts',
  restart: 'restart',
  retry: 'retry',
  cache: 'cache',
  'cache of a group': 'cache-of-a-group',
  limits: 'limits',
  auth: 'auth',
  match: 'match',
  defaults: 'defaults',
  'map of servers': 'serversname',
  'list of servers': 'serversname',
  'map of groups': 'groupsname',
  'map of secrets': 'secrets',
  'map of profiles': 'profile-file',
  'env file or list of env files': 'env-file',
  'profile name or list of names': 'extends',
  'glob or list of globs': 'include',
}
const banner = '// Generated from schemas/ by `npm run generate`. Do not edit.\n'

const generated = {
  'src/config/generated/files.ts': await types(),
  'src/config/generated/validators.js': await validators(),
  'docs/configuration.md': withTables(readFileSync(join(root, 'docs/configuration.md'), 'utf8')),
}
const drifted = Object.entries(generated).filter(([path, text]) => readOr(join(root, path)) !== text)
if (process.argv.includes('--check')) {
  for (const [path] of drifted) console.error(`${path} is not what schemas/ say: npm run generate`)
  process.exitCode = drifted.length === 0 ? 0 : 1
} else {
  for (const [path, text] of drifted) writeFileSync(join(root, path), text)
}

async function types() {
  const both = {
    title: 'Written files',
    type: 'object',
    required: ['base', 'profile'],
    properties: { base: { $ref: 'mcpctl.schema.json' }, profile: { $ref: 'profile.schema.json' } },
  }
  const resolve = { file: { read: (file) => JSON.stringify(plain(read(basename(file.url)))) } }
  const text = await compile(both, 'WrittenFiles', {
    cwd: `${schemas}/`,
    bannerComment: banner.trimEnd(),
    additionalProperties: false,
    style: { singleQuote: true, semi: false, printWidth: 120 },
    $refOptions: { resolve },
  })
  return text
}

/** Without what would make the types worse: `^x-` keys (an index of unknowns), titles and copies made for a text. */
function plain(schema) {
  const dropped = new Set(['patternProperties', 'examples'])
  return JSON.parse(JSON.stringify(schema), function keep(key, value) {
    if (dropped.has(key)) return undefined
    if (key === 'title') return String(value).endsWith(' file') ? value : undefined
    if (key === 'description' && this.$ref !== undefined) return undefined
    return value
  })
}

async function validators() {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    allowUnionTypes: true,
    code: { source: true, esm: true, lines: false },
    schemas: Object.fromEntries(names.map((name) => [name, read(name)])),
  })
  const code = standalone.default(ajv, { base: 'mcpctl.schema.json', profile: 'profile.schema.json' })
  const entry = join(root, 'validators.js')
  const { output } = await build({
    input: entry,
    platform: 'node',
    plugins: [
      { name: 'validators', load: (id) => (id === entry ? code : null), resolveId: (id) => (id === entry ? id : null) },
    ],
    write: false,
    output: { format: 'esm', minify: true },
  })
  return banner + output[0].code
}

/** The page with the table of keys between each `<!-- keys: NAME -->` and `<!-- end -->`. */
function withTables(page) {
  const { definitions } = read('defs.schema.json')
  const roots = { mcpctl: read('mcpctl.schema.json'), profile: read('profile.schema.json') }
  return page.replace(/(<!-- keys: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, start, name, end) => {
    return `${start}\n${table({ ...definitions, ...roots }[name], definitions)}\n${end}`
  })
}

function table({ properties }, definitions) {
  const rows = Object.entries(properties).map(([key, schema]) => {
    const [outer, ...inner] = chain(schema, definitions)
    const own = { ...Object.assign({}, ...inner.reverse(), outer) }
    const standard = own.default === undefined ? '' : `\`${String(own.default) || "''"}\``
    return [`\`${key}\``, kind(own), standard, own.description ?? own.title]
  })
  const lines = [['key', 'type', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows]
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('')
}

/** A schema and all that it refers to, outermost first. */
function chain(schema, definitions) {
  const target = schema.$ref && definitions[schema.$ref.split('/').at(-1)]
  return target ? [schema, ...chain(target, definitions)] : [schema]
}

/** Its values if they are few, else its title, with a link where the page has a section on it. */
function kind({ title, anyOf, enum: values = anyOf?.[0].enum }) {
  if (values)
    return values
      .filter((value) => value !== null)
      .map((value) => `\`${value}\``)
      .join(', ')
  const section = sections[title]
  return section ? `[${title}](#${section})` : title
}

function read(name) {
  return JSON.parse(readFileSync(join(schemas, name), 'utf8'))
}

function readOr(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // Not generated yet.
  }
}
