// Bundles one file per entry (CLI, supervisor, proxy) plus shared chunks into dist/: start-up time and memory are a
// promise, and loading one file is what keeps it. Does nothing when dist/ is newer than every source; --force rebuilds.
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const out = join(root, 'dist')
const entries = { cli: 'cli/main.ts', supervisor: 'src/supervisor/main.ts', proxy: 'src/proxy/main.ts' }
const inputs = ['cli', 'src', 'schemas', 'scripts', 'package.json', 'package-lock.json']

if (!process.argv.includes('--force') && isFresh()) process.exit(0)

// Importing node:http as an ES module reads all its exports, and from Node 22 on one of them (WebSocket) loads Node's
// whole fetch implementation: 20 ms and several MB that nobody here needs. Asked for this way it stays unread.
const leanHttp = {
  name: 'lean-http',
  setup(build) {
    build.onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'node:http', namespace: 'lean-http' }))
    build.onLoad({ filter: /.*/, namespace: 'lean-http' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http')",
    }))
  },
}

const { build } = await import('esbuild')
const fresh = `${out}.${process.pid}`
await build({
  absWorkingDir: root,
  entryPoints: entries,
  outdir: fresh,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  splitting: true,
  minify: true,
  // Names of functions are not kept: esbuild would set one on every closure each time it is made, which each call pays for.
  keepNames: false,
  legalComments: 'linked',
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
  plugins: [leanHttp],
  // Some dependencies are CommonJS and call require() for Node's own modules.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
})
chmodSync(join(fresh, 'cli.js'), 0o755)
// The swap is two renames, so a running mcpctl never sees a half-written dist/.
const old = `${out}.old.${process.pid}`
if (existsSync(out)) renameSync(out, old)
renameSync(fresh, out)
rmSync(old, { recursive: true, force: true })

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
