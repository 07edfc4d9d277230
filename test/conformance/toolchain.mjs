// Brings what the scenarios need: two pinned releases of the conformance tool, which are no dependencies of the
// package, and a Node new enough for them. They are kept in node_modules/.cache, so only the first run waits.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageFolder } from './paths.mjs'

const MINIMUM_NODE = 22
const INSTALL_TIMEOUT = 180_000
const NODE = '22.23.3'
const releases = { stable: '0.1.16', next: '0.2.0-alpha.12' }

/** The scenarios cannot be run here; the message says why. */
export class Unavailable extends Error {}

/** Resolves with the paths `{ node, stable, next }`; throws Unavailable when npm cannot bring what is missing. */
export async function toolchain() {
  const isNodeOld = Number.parseInt(process.versions.node, 10) < MINIMUM_NODE
  const dependencies = {
    ...Object.fromEntries(Object.entries(releases).map(([line, version]) => [line, aliasOf(version)])),
    ...(isNodeOld && { node: NODE }),
  }
  const folder = join(packageFolder, 'node_modules', '.cache', 'mcpctl-conformance')
  if (!(await isInstalled(folder, dependencies))) await install(folder, dependencies)
  const modules = join(folder, 'node_modules')
  return {
    node: isNodeOld
      ? join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
      : process.execPath,
    stable: join(modules, 'stable', 'dist', 'index.js'),
    next: join(modules, 'next', 'dist', 'index.js'),
  }
}

const aliasOf = (version) => `npm:@modelcontextprotocol/conformance@${version}`

async function isInstalled(folder, dependencies) {
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) return false
  const has = JSON.parse(await readFile(manifest, 'utf8')).dependencies
  return Object.entries(dependencies).every(([name, version]) => has[name] === version)
}

/** Installs beside the folder and swaps, so that a broken download is never taken for the real thing. */
async function install(folder, dependencies) {
  const fresh = `${folder}.${process.pid}`
  await mkdir(fresh, { recursive: true })
  await writeFile(join(fresh, 'package.json'), JSON.stringify({ private: true, dependencies }))
  try {
    await npm(['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', fresh], fresh)
    await rm(folder, { recursive: true, force: true })
    await rename(fresh, folder)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    throw new Unavailable(`npm could not bring the conformance tool: ${reasonOf(error)}`, { cause: error })
  }
}

function npm(args, cwd) {
  const env = { ...process.env, npm_config_update_notifier: 'false' }
  return promisify(execFile)('npm', args, { cwd, env, timeout: INSTALL_TIMEOUT, shell: process.platform === 'win32' })
}

/** The line of npm's own report that says what is wrong. */
function reasonOf({ stderr = '', message }) {
  const said = stderr.split('\n').find((line) => /^npm error (?!code|errno|syscall|A complete log)/.test(line))
  return said?.replace('npm error ', '') ?? message.split('\n')[0]
}
