import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { McpctlError, messageOf } from '../shared/errors.ts'
import { makeFolder } from '../shared/folder.ts'
import type { StatePaths } from '../shared/paths.ts'

/**
 * Creates the state folder, and the socket's folder where that is another one, for the owner only. Throws McpctlError
 * `conflict` when one of them belongs to somebody else: what that one puts there must not be trusted; `usage` when one
 * cannot be made.
 */
export function prepareStateFolder(paths: StatePaths): void {
  for (const folder of new Set([paths.folder, dirname(paths.socket)])) {
    make(folder)
    const { uid } = lstatSync(folder)
    if (uid !== userInfo().uid)
      throw new McpctlError('conflict', `the state folder ${folder} belongs to another user (uid ${uid})`, {
        hint: HINT,
      })
    chmodSync(folder, 0o700)
  }
}

const HINT = 'set MCPCTL_HOME to a folder of your own'

function make(folder: string): void {
  try {
    makeFolder(folder)
  } catch (cause) {
    throw new McpctlError('usage', `cannot make the state folder: ${messageOf(cause)}`, { hint: HINT, cause })
  }
}

/** The key that seals session ids, made once per project: sessions outlive the supervisor that opened them. */
export function sessionKey(file: string): string {
  const known = storedText(file)
  if (known !== undefined && Buffer.from(known, 'base64url').length === 32) return known
  const key = randomBytes(32).toString('base64url')
  writeFileSync(file, key, { mode: 0o600 })
  return key
}

/** The text of a file of ours without the white space around it; undefined when there is none. */
export function storedText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
