import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, linkSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { ControlClient } from '../control/client.ts'
import { pause, within } from '../shared/async.ts'
import { McpctlError } from '../shared/errors.ts'
import { isLifeGoingOn, lifeOf } from './procfs.ts'

/** Until it is disposed; after that another one may have the project. */
export interface Lock extends Disposable {
  /** False once the socket's file has been deleted or replaced. */
  readonly isHeld: boolean
}

/** Longer than anybody holds the right to remove a dead socket. */
const PATIENCE_MS = 10_000
const ANSWER_MS = 2_000

/**
 * Binds the project's control socket, which is the lock: one supervisor per project. The socket listens under a name
 * of its own first and gets its public name by `link`, which one process wins; so a public socket that refuses
 * connections is always one that its process left behind. Throws McpctlError `conflict` naming the pid that has it.
 */
export async function lock(server: Server, socket: string): Promise<Lock> {
  const own = join(dirname(socket), `c.${randomBytes(4).toString('hex')}`)
  await once(server.listen(own), 'listening')
  try {
    chmodSync(own, 0o600)
    await publish(own, socket)
  } finally {
    unlinkSync(own)
  }
  const identity = identityOf(socket)
  return {
    get isHeld() {
      return identityOf(socket) === identity
    },
    [Symbol.dispose]: () => leave(socket, identity),
  }
}

async function publish(own: string, socket: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!tryLink(own, socket)) {
    // Which file it is that turns out dead must be known before it is asked: the next one may be bound meanwhile.
    const seen = identityOf(socket)
    if (await isAnswered(socket)) throw await taken(socket)
    if (performance.now() > deadline)
      throw new McpctlError('conflict', `the control socket ${socket} is dead and could not be reclaimed`)
    if (seen !== undefined && !reclaim(socket, seen)) await pause(20)
  }
}

function tryLink(own: string, socket: string): boolean {
  return unlessCode('EEXIST', () => linkSync(own, socket))
}

/** Whether somebody listens: only a refusal, or nothing there at all, says that nobody does. */
async function isAnswered(socket: string): Promise<boolean> {
  const connection = connect(socket)
  try {
    await once(connection, 'connect')
    return true
  } catch (error) {
    if (hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOENT')) return false
    return true
  } finally {
    connection.destroy()
  }
}

async function taken(socket: string): Promise<McpctlError> {
  const asked = new ControlClient(socket).ask('status').then(
    ({ supervisor }) => `pid ${supervisor.pid}`,
    () => 'pid unknown',
  )
  const who = await within(ANSWER_MS, asked, 'it does not answer')
  return new McpctlError('conflict', `another supervisor runs this project (${who})`, {
    hint: '`mcpctl status` shows what it runs, `mcpctl down` ends it',
  })
}

/**
 * Removes a dead socket. Two that find the same one must not both do it, for the second would remove what the first
 * has bound since: the right to remove this very file is a claim file, made exclusively, and a claim whose maker has
 * died is followed by the next number. Nothing here awaits, so a claim is held for an instant.
 */
function reclaim(socket: string, dead: string): boolean {
  const claim = tryClaim(socket, dead)
  if (claim === undefined) return false
  removeIf(socket, dead)
  for (const old of claimsOn(socket, dead)) rmSync(old, { force: true })
  return true
}

function tryClaim(socket: string, identity: string): string | undefined {
  const claims = claimsOn(socket, identity)
  if (claims.some(isHeld)) return undefined
  const claim = `${claimPrefix(socket, identity)}${claims.length}`
  const made = unlessCode('EEXIST', () => writeFileSync(claim, lifeOf(process.pid), { flag: 'wx', mode: 0o600 }))
  return made ? claim : undefined
}

function claimsOn(socket: string, identity: string): readonly string[] {
  const folder = dirname(socket)
  const prefix = basename(claimPrefix(socket, identity))
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix))
  return names.sort().map((name) => join(folder, name))
}

function claimPrefix(socket: string, identity: string): string {
  return `${socket}.${identity}.`
}

function isHeld(claim: string): boolean {
  const life = textOf(claim)
  return life === undefined || life === '' || isLifeGoingOn(life)
}

/** What tells one socket file from a later one of the same name: its modification time is that of its binding. */
function identityOf(socket: string): string | undefined {
  const stat = statSync(socket, { throwIfNoEntry: false, bigint: true })
  return stat && `${stat.ino}-${stat.mtimeNs}`
}

function removeIf(socket: string, identity: string | undefined): void {
  if (identityOf(socket) === identity) rmSync(socket, { force: true })
}

/** Where the folder has become read-only the file stays: whoever comes next finds it dead and reclaims it. */
function leave(socket: string, identity: string | undefined): void {
  unlessCode('EROFS', () => unlessCode('EACCES', () => removeIf(socket, identity)))
}

function textOf(file: string): string | undefined {
  let text: string | undefined
  unlessCode('ENOENT', () => {
    text = readFileSync(file, 'utf8')
  })
  return text
}

/** Whether the step was done; false where it failed with this code, and any other failure is thrown. */
function unlessCode(code: string, step: () => void): boolean {
  try {
    step()
    return true
  } catch (error) {
    if (hasCode(error, code)) return false
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
