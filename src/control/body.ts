import { McpctlError } from '../shared/errors.ts'
import { isRecord } from '../shared/record.ts'
import type { Bodies, Wish } from './protocol.ts'

/** What a request's JSON must look like, by route: trust ends at the socket. Throws McpctlError `usage`. */
export const readBody = {
  apply: (value) => accept(value, isWish, 'a wish'),
  plan: (value) => accept(value, isWish, 'a wish'),
  reload: (value) => accept(value, isReload, '{"dryRun": boolean}'),
  rollback: (value) => accept(value, isRollback, '{"generation": number}'),
  restart: (value) => accept(value, isGroups, '{"groups": [name, …]}'),
  start: (value) => accept(value, isGroups, '{"groups": [name, …]}'),
  stop: (value) => accept(value, isGroups, '{"groups": [name, …]}'),
} as const satisfies { [R in keyof Bodies]: (value: unknown) => Bodies[R] }

function accept<T>(value: unknown, is: (value: unknown) => value is T, shape: string): T {
  if (is(value)) return value
  throw new McpctlError('usage', `the request's body is not ${shape}`, {
    hint: 'this mcpctl and the running supervisor may be of different versions: `mcpctl down`, then up again',
  })
}

function isWish(value: unknown): value is Wish {
  if (!isRecord(value)) return false
  const { cwd, files, envFiles, env, profile, groups, portOffset, watch, resume, allowEmpty } = value
  const named = typeof cwd === 'string' && isStrings(files) && isStrings(envFiles) && isEnv(env)
  const chosen = (profile === undefined || typeof profile === 'string') && isStrings(groups)
  const asked = typeof watch === 'boolean' && isFlag(resume) && isFlag(allowEmpty)
  return named && chosen && asked && Number.isInteger(portOffset)
}

function isReload(value: unknown): value is Bodies['reload'] {
  return isRecord(value) && typeof value.dryRun === 'boolean' && isFlag(value.allowEmpty)
}

function isRollback(value: unknown): value is Bodies['rollback'] {
  return isRecord(value) && (value.generation === undefined || Number.isInteger(value.generation))
}

/** Absent means no. */
function isFlag(value: unknown): boolean {
  return value === undefined || typeof value === 'boolean'
}

function isGroups(value: unknown): value is Bodies['restart'] {
  return isRecord(value) && isStrings(value.groups)
}

function isEnv(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((entry) => typeof entry === 'string')
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
