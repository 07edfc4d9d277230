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
  readonly isGroup?: boolean
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
  readonly #folders = new Map<string, Promise<Intruder | undefined>>()

  /** With `MCPCTL_ALLOW_INSECURE_CONFIG` what would be refused is a warning. */
  constructor(env: Env) {
    this.#severity = isAllowed(env) ? 'warning' : 'error'
    this.#owners = believed(env)
  }

  /** Why the file is not to be believed; undefined when it is. Never throws. */
  async problemOf({ path, shown, rights }: Opened): Promise<Problem | undefined> {
    if (rights === undefined) return undefined
    const [own, ...folders] = await Promise.all([
      this.#intruder(path, rights),
      this.#folder(dirname(path)),
      // Where a link leads is as good a place to change it.
      realpath(path).then((real) => this.#folder(dirname(real)), nothing),
    ])
    if (own) return this.#refusal(`${own.who} may change ${shown}`, `${own.remedy} ${shown}`)
    const replacing = folders.find((one) => one !== undefined)
    return replacing && this.#refusal(`${replacing.who} may replace ${shown}`, replacing.remedy)
  }

  #refusal(what: string, remedy: string): Problem {
    const hint = `${remedy}; --allow-insecure-config takes it as it is`
    const message = `${what}, and with it what is started`
    return { severity: this.#severity, code: 'insecure_file', message, hint }
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

  async #intruder(path: string, rights: Rights): Promise<Intruder | undefined> {
    const found = this.#suspect(rights)
    if (found === undefined || (await isReadOnly(path))) return undefined
    return found.isGroup && (await isOwnGroup(rights)) ? undefined : found
  }

  #suspect({ uid, gid, mode }: Rights): Intruder | undefined {
    if (!this.#owners.has(uid)) return { who: `another user (uid ${uid})`, remedy: 'become the owner of' }
    if ((mode & FOR_ALL) !== 0) return { who: 'anybody on this machine', remedy: 'chmod o-w' }
    if ((mode & FOR_GROUP) === 0) return undefined
    return { who: `everybody of a group (gid ${gid})`, remedy: 'chmod g-w', isGroup: true }
  }
}

function nothing(): undefined {
  return undefined
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
