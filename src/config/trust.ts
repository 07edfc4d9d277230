import { constants } from 'node:fs'
import { access, readFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Env } from '../shared/paths.ts'
import type { Rights } from './read.ts'
import type { Problem } from './source.ts'

/** A file of the profile set as it was opened. */
export interface Opened {
  readonly path: string
  /** As the user would type it. */
  readonly shown: string
  /** Undefined where a system knows no such rights. */
  readonly rights: Rights | undefined
}

/** Who besides its owner may change a thing, as people say it, and what ends that. */
interface Intruder {
  readonly who: string
  readonly remedy: string
  /** The owner of the whole project: root takes their word, and says whose it is. */
  readonly isHost?: boolean
}

const FOR_ALL = 0o002
const FOR_GROUP = 0o020
const STICKY = 0o1000

/**
 * What a profile set says is run. So it counts only if nobody but the reader and root can change it: neither the file,
 * nor which file has its name.
 */
export class Trust {
  readonly #severity: 'error' | 'warning'
  readonly #owners: ReadonlySet<number>
  readonly #project: string
  readonly #folders = new Map<string, Promise<Intruder | undefined>>()

  /**
   * With `MCPCTL_ALLOW_INSECURE_CONFIG` what would be refused is a warning. `project` is the project folder: where it
   * belongs to somebody else, as a checkout mounted into a container does, root is only warned of what is theirs too.
   */
  constructor(env: Env, project: string) {
    this.#project = project
    this.#severity = isAllowed(env) ? 'warning' : 'error'
    this.#owners = believed(env)
  }

  /** Why the file is not to be believed; undefined when it is. Never throws. */
  async problemOf({ path, shown, rights }: Opened): Promise<Problem | undefined> {
    if (rights === undefined) return undefined
    const [own, ...folders] = await Promise.all([
      this.#own(rights, path),
      this.#folder(dirname(path)),
      // Where a link leads is as good a place to change it.
      realpath(path).then((real) => this.#folder(dirname(real)), nothing),
    ])
    const replacing = folders.find((one) => one && !one.isHost) ?? folders.find((one) => one !== undefined)
    if (own && (!own.isHost || !replacing || replacing.isHost))
      return this.#problem(own, { what: `may change ${shown}`, remedy: `${own.remedy} ${shown}` })
    return replacing && this.#problem(replacing, { what: `may replace ${shown}`, remedy: replacing.remedy })
  }

  #problem({ who, isHost }: Intruder, { what, remedy }: { readonly what: string; readonly remedy: string }): Problem {
    const code = 'insecure_file'
    const message = `${who} ${what}, and with it what is started`
    if (isHost) return { severity: 'warning', code, message, hint: `the project folder is theirs; else ${remedy}` }
    return { severity: this.#severity, code, message, hint: `${remedy}; --allow-insecure-config takes it as it is` }
  }

  /** Many files share a folder. */
  #folder(path: string): Promise<Intruder | undefined> {
    const known = this.#folders.get(path)
    if (known !== undefined) return known
    const asked = this.#replacing(path)
    this.#folders.set(path, asked)
    return asked
  }

  async #replacing(path: string): Promise<Intruder | undefined> {
    // Gone since: then so is the file, and that is said of the file.
    const rights = await stat(path).catch(nothing)
    if (rights === undefined) return undefined
    // In a sticky folder everybody only replaces what is their own.
    const mode = (rights.mode & STICKY) === 0 ? rights.mode : rights.mode & ~(FOR_ALL | FOR_GROUP)
    const found = await this.#intruder(path, { ...rights, mode })
    return found && { ...found, remedy: `${found.remedy} ${path}` }
  }

  /** What lies in a folder of another owner is not part of what belongs to one as a whole. */
  async #own(rights: Rights, path: string): Promise<Intruder | undefined> {
    const found = await this.#intruder(path, rights)
    if (!found?.isHost || (await ownerOf(dirname(path))) === rights.uid) return found
    return { who: found.who, remedy: found.remedy }
  }

  async #intruder(path: string, rights: Rights): Promise<Intruder | undefined> {
    const found = await this.#suspect(rights)
    return found && (await isReadOnly(path)) ? undefined : found
  }

  async #suspect({ uid, gid, mode }: Rights): Promise<Intruder | undefined> {
    const another = { who: `another user (uid ${uid})`, remedy: 'become the owner of' }
    const isHost = !this.#owners.has(uid)
    if (isHost && (process.geteuid?.() !== 0 || uid !== (await ownerOf(this.#project)))) return another
    if ((mode & FOR_ALL) !== 0) return { who: 'anybody on this machine', remedy: 'chmod o-w' }
    if ((mode & FOR_GROUP) !== 0 && !(await isOwnGroup({ uid, gid, mode })))
      return { who: `everybody of a group (gid ${gid})`, remedy: 'chmod g-w' }
    return isHost ? { ...another, isHost } : undefined
  }
}

function nothing(): undefined {
  return undefined
}

async function ownerOf(folder: string): Promise<number | undefined> {
  return stat(folder).then(({ uid }) => uid, nothing)
}

function isAllowed(env: Env): boolean {
  return !['', '0', 'false', undefined].includes(env['MCPCTL_ALLOW_INSECURE_CONFIG'])
}

/** The reader, root, and who became root for this one command with sudo. */
function believed({ SUDO_UID }: Env): ReadonlySet<number> {
  const uid = process.geteuid?.() ?? 0
  return new Set([0, uid, uid === 0 && SUDO_UID ? Number(SUDO_UID) : uid])
}

/** What is mounted read-only (a ConfigMap, say) has rights that mean nothing. */
async function isReadOnly(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => false,
    (error: unknown) => error instanceof Error && 'code' in error && error.code === 'EROFS',
  )
}

/**
 * Whether the group is one user's alone, as many systems make for each: with it a umask of 002 lets in nobody. Such a
 * group has the user's number, or their name and no other members.
 */
async function isOwnGroup({ uid, gid }: Rights): Promise<boolean> {
  if (uid === gid) return true
  const [users, groups] = await Promise.all(['/etc/passwd', '/etc/group'].map(entriesOf))
  const user = users?.find(([_name, _password, id]) => id === `${uid}`)?.[0]
  const group = groups?.find(([_name, _password, id]) => id === `${gid}`)
  const members = (group?.[3] ?? '').split(',').filter((member) => member !== '' && member !== user)
  return group !== undefined && group[0] === user && members.length === 0
}

async function entriesOf(file: string): Promise<readonly (readonly string[])[]> {
  // A system that keeps them elsewhere is one that we know nothing of.
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').map((line) => line.trim().split(':'))
}
