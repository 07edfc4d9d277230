import { readFile, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { root } from '../mcpctl.mjs'

/** The program of a Node package, in node_modules or on PATH, as `{ file, version }`, or undefined. */
export async function installed(name) {
  const folders = [join(root, 'node_modules', '.bin'), ...process.env.PATH.split(delimiter)]
  for (const folder of folders) {
    const file = await realpath(join(folder, name)).catch(() => undefined)
    if (file) return { file, version: await versionAbove(dirname(file)) }
  }
  return undefined
}

async function versionAbove(folder) {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
  const version = text && JSON.parse(text).version
  if (version) return version
  return folder === dirname(folder) ? 'unknown' : versionAbove(dirname(folder))
}
