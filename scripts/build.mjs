// Bundles each entry (CLI, supervisor, proxy, sorry) into dist/: one file and, beside it, one for each part that is loaded
// only when it is needed. Start-up time and memory are a promise, and few files are what keeps it. Does nothing when
// dist/ is newer than every source; --force rebuilds.
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const out = join(root, 'dist')
/** Of the command line: a part is one file, and takes with it whatever it imports that no earlier part has. */
const parts = ['cli/program.ts', 'cli/profile-set.ts']
const entries = {
  cli: 'cli/main.ts',
  supervisor: 'src/supervisor/main.ts',
  proxy: 'src/proxy/main.ts',
  sorry: 'src/sorry/main.ts',
}
/** One character beyond Latin-1 makes V8 keep a whole file in two bytes each: a megabyte more in every proxy. */
const ascii = {
  name: 'ascii',
  generateBundle(_options, files) {
    for (const file of Object.values(files))
      if (file.type === 'chunk') file.code = file.code.replace(/[^\0-\x7f]/g, escaped)
  },
}
/** YAML's own build for Node is CommonJS, of which nothing can be left out. */
const modules = { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') }
/**
 * Parts of Node that cost a start a millisecond or more, of each of which a run needs little, late or not at all: they are
 * loaded by the first call of one of their functions. Nothing but functions may be imported from them.
 */
const late = ['node:child_process', 'node:crypto', 'node:dns/promises', 'node:fs/promises', 'node:tls']
const lateBuiltins = {
  name: 'late-builtins',
  resolveId(id, _importer, { kind }) {
    const name = id.startsWith('node:') ? id : `node:${id}`
    if (!late.includes(name)) return null
    return kind === 'require-call' ? `\0required ${name}` : `\0imported ${name}`
  },
  load(id) {
    const [kind, name] = id.split(' ')
    if (kind === '\0required') return forwarding(name, (key) => `exports.${key} =`)
    if (kind === '\0imported') return forwarding(name, (key) => `export const ${key} =`)
    return null
  },
}
const inputs = ['cli', 'src', 'schemas', 'scripts', 'package.json', 'package-lock.json']

if (!process.argv.includes('--force') && isFresh()) process.exit(0)

const { build } = await import('rolldown')
const fresh = `${out}.${process.pid}`
for (const [name, file] of Object.entries(entries)) await bundle(name, file)
writeFileSync(join(fresh, 'package.json'), '{ "type": "commonjs" }\n')
chmodSync(join(fresh, 'cli.js'), 0o755)
// The swap is two renames, so a running mcpctl never sees a half-written dist/.
const old = `${out}.old.${process.pid}`
if (existsSync(out)) renameSync(out, old)
renameSync(fresh, out)
rmSync(old, { recursive: true, force: true })

/**
 * Entries share no chunks: what all of them need would become a dozen small files, each of them a read at every start.
 * CommonJS, because Node starts it sooner: importing one of its own modules from an ES module reads all that it exports,
 * some of which (WebSocket of node:http) loads much more in turn.
 */
function bundle(name, file) {
  return build({
    cwd: root,
    input: { [name]: file },
    platform: 'node',
    resolve: { alias: modules },
    transform: { target: 'node20.19' },
    logLevel: 'warn',
    plugins: [ascii, lateBuiltins],
    preserveEntrySignatures: false,
    output: {
      dir: fresh,
      format: 'cjs',
      dynamicImportInCjs: false,
      exports: 'named',
      minify: true,
      comments: { legal: true },
      entryFileNames: '[name].js',
      chunkFileNames: `${name}/[name]-[hash].js`,
      codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: partOf(file), debugName: 'parts' }] },
    },
  })
}

/** Names the part a module belongs to; null leaves it to the bundler. What the entry itself imports stays in its file. */
function partOf(entry) {
  let names
  return (id, graph) => {
    names ??= partition(graph, join(root, entry))
    return names.get(id)
  }
}

function partition(graph, entry) {
  const names = new Map()
  spread(entry, null)
  for (const part of parts) spread(join(root, part), basename(part, '.ts'))
  return names

  function spread(id, name) {
    if (names.has(id)) return
    names.set(id, name)
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) spread(imported, name)
  }
}

function forwarding(builtin, declared) {
  const functions = Object.entries(process.getBuiltinModule(builtin)).filter(isPlainFunction)
  const loaded = `let it\nconst loaded = () => (it ??= process.getBuiltinModule('${builtin}'))`
  return [loaded, ...functions.map(([key]) => `${declared(key)} (...args) => loaded().${key}(...args)`)].join('\n')
}

/** Not a class, of which instances are made. */
function isPlainFunction([name, value]) {
  return typeof value === 'function' && /^[a-z]/.test(name)
}

function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function isFresh() {
  const built = Object.keys(entries).map((name) => modified(join(out, `${name}.js`)))
  return Math.min(...built) > Math.max(...inputs.map((input) => newest(join(root, input))))
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0
}

function newest(path) {
  if (!existsSync(path)) return 0
  if (!statSync(path).isDirectory()) return modified(path)
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}
