import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder with package.json. */
export const packageFolder = fileURLToPath(new URL('../..', import.meta.url))
export const binFile = join(packageFolder, 'dist', 'cli.js')
export const fixtureFile = join(packageFolder, 'test', 'fixtures', 'servers', 'conformance.mjs')
export const here = (name) => fileURLToPath(new URL(name, import.meta.url))
