// Generates src/config/generated/ from the hand-written schemas: the types of files as written, and validators as
// plain code, because compiling schemas at every start would cost about 60 ms. With --check nothing is written and
// drift fails.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Ajv from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import { build } from 'esbuild'
import { compile } from 'json-schema-to-typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const schemas = join(root, 'schemas')
const out = join(root, 'src', 'config', 'generated')
const names = ['defs.schema.json', 'mcpctl.schema.json', 'profile.schema.json']
const banner = '// Generated from schemas/ by `npm run generate`. Do not edit.\n'

const generated = { 'files.ts': await types(), 'validators.js': await validators() }
const drifted = Object.entries(generated).filter(([name, text]) => readOr(join(out, name)) !== text)
if (process.argv.includes('--check')) {
  for (const [name] of drifted) console.error(`src/config/generated/${name} is not what schemas/ say: npm run generate`)
  process.exitCode = drifted.length === 0 ? 0 : 1
} else {
  for (const [name, text] of drifted) writeFileSync(join(out, name), text)
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
  const bundle = await build({
    stdin: { contents: code, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    minify: true,
  })
  return banner + bundle.outputFiles[0].text
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
