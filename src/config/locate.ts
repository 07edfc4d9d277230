import { readdir, readFile, stat } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { Env } from '../shared/paths.ts'

/** How a person pointed to a profile set: flags, environment, working directory. */
export interface Pointer {
  readonly cwd: string
  /** `-f`, in order; empty when the usual search applies. */
  readonly files: readonly string[]
  readonly env: Env
}

/** Where a profile set is, as far as the names of files tell. */
export interface Location {
  /** The project folder, absolute. */
  readonly folder: string
  /** The files to begin with, one list for each place a person named; a later list wins over an earlier one. */
  readonly roots: readonly (readonly string[])[]
  /** Folders in which a new file would change the answer. */
  readonly folders: readonly string[]
}

const BASE_FILES = ['mcpctl.yaml', 'mcpctl.yml', 'mcpctl.json']

/** The project folder: that of the first file found, else the working directory. Never fails. */
export async function projectFolder(pointer: Pointer): Promise<string> {
  return (await locate(pointer)).folder
}

/** `-f` → `MCPCTL_CONFIG` → `MCP_CONFIG_PATH` → upwards from the working directory. Never fails: `roots` may be empty. */
export async function locate(pointer: Pointer): Promise<Location> {
  const named = namedPaths(pointer).map((path) => resolve(pointer.cwd, path))
  if (named.length > 0) return locateNamed(named)
  return searchUpwards(pointer)
}

/** The paths a person gave: the first of the three ways that was used. */
export function namedPaths({ files, env }: Pointer): readonly string[] {
  if (files.length > 0) return files
  if (env['MCPCTL_CONFIG']) return env['MCPCTL_CONFIG'].split(delimiter).filter((path) => path !== '')
  return env['MCP_CONFIG_PATH'] ? [env['MCP_CONFIG_PATH']] : []
}

async function locateNamed(paths: readonly string[]): Promise<Location> {
  const places = await Promise.all(paths.map(async (path) => ({ path, isFolder: await isFolder(path) })))
  const roots = await Promise.all(places.map(({ path, isFolder }) => (isFolder ? filesOfFolder(path) : [path])))
  const folders = places.filter((place) => place.isFolder).flatMap(({ path }) => [path, join(path, 'profiles')])
  const first = places[0]?.isFolder ? places[0].path : dirname(places[0]?.path ?? '/')
  return { folder: await nearestExisting(first), roots, folders }
}

/** The folder a missing path would be in: the project folder has to be one that can be asked for its real path. */
async function nearestExisting(path: string): Promise<string> {
  return (await isFolder(path)) || dirname(path) === path ? path : nearestExisting(dirname(path))
}

async function searchUpwards({ cwd, env }: Pointer): Promise<Location> {
  const passed: string[] = []
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    passed.push(folder)
    const root = await filesOfProject(folder)
    if (root.length > 0) return { folder, roots: [root], folders: [folder, join(folder, 'profiles')] }
    const isLast = folder === env['HOME'] || dirname(folder) === folder || (await exists(join(folder, '.git')))
    if (isLast) return { folder: resolve(cwd), roots: [], folders: passed }
  }
}

/** The base file of a folder, else the files of its `profiles/`; empty when it is no project. */
async function filesOfProject(folder: string): Promise<readonly string[]> {
  for (const name of BASE_FILES) if (await isFile(join(folder, name))) return [join(folder, name)]
  return profileFiles(join(folder, 'profiles'))
}

/** What `-f FOLDER` means: a project, or a folder of profiles. */
async function filesOfFolder(folder: string): Promise<readonly string[]> {
  const files = await filesOfProject(folder)
  return files.length > 0 ? files : profileFiles(folder)
}

/** All YAML files of a folder, if one of them is a profile. */
async function profileFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []) // No such folder: no profiles.
  const paths = names.filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.')).sort()
  const files = paths.map((name) => join(folder, name))
  const claims = await Promise.all(files.map(claimsProfile))
  return claims.includes(true) ? files : []
}

/** A larger one is not looked into: who reads it says that it is too large. */
const LARGEST = 1024 * 1024

async function claimsProfile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined) // Gone, or not for us to see: another one may tell.
  if (!found?.isFile()) return false
  if (found.size > LARGEST) return true
  const text = await readFile(path, 'utf8').catch(() => '') // Unreadable: another one may tell.
  return /^\s{0,2}\{?\s*["']?(?:groups|profile)["']?\s*:/m.test(text)
}

async function isFile(path: string): Promise<boolean> {
  return (await kindOf(path)) === 'file'
}

async function isFolder(path: string): Promise<boolean> {
  return (await kindOf(path)) === 'folder'
}

async function exists(path: string): Promise<boolean> {
  return (await kindOf(path)) !== 'nothing'
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | 'nothing'> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return 'folder'
    return found.isFile() ? 'file' : 'other'
  } catch {
    // Not there, or not for us to see: the search goes on.
    return 'nothing'
  }
}
