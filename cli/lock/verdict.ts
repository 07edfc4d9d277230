import { LOCK_FILE } from '../../src/config/lock-data.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import type { Asked } from './report.ts'

/** Throws McpctlError `threshold` when a server is not as it was locked. */
export function assertSame(asked: readonly Asked[]): void {
  const known = asked.flatMap(({ survey, isNew }) => (survey.state === 'known' ? [{ ...survey, isNew }] : []))
  const other = known.filter(({ drifts, isNew }) => isNew || drifts.length > 0).map(({ name }) => name)
  if (other.length === 0) return
  const message = `not as ${LOCK_FILE} says: ${other.join(', ')}`
  throw new McpctlError('threshold', message, { hint: 'mcpctl lock takes all of it over, --accept SERVER/TOOL a part' })
}

/** A server that could not be asked is neither the same nor another: throws McpctlError `auth_required` or `unreachable`. */
export function assertAsked(asked: readonly Asked[]): void {
  const silent = asked.filter(({ survey }) => survey.state !== 'known')
  if (silent.length === 0) return
  const isForAuth = silent.every(({ survey }) => survey.state === 'authRequired')
  const isExclusive = silent.some(({ server }) => server.exclusive)
  const hint = isExclusive
    ? 'a server that cannot run twice has to be stopped first: mcpctl stop GROUP'
    : 'what is locked of them stays as it was'
  const message = `could not ask ${silent.map(({ server }) => server.name).join(', ')}`
  throw new McpctlError(isForAuth ? 'auth_required' : 'unreachable', message, { hint })
}
