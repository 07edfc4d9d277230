import { type ChildProcess, spawn } from 'node:child_process'
import type { Surveyed } from '../config/lock-survey.ts'
import type { FromProxy, ToProxy } from '../proxy/protocol.ts'
import { defer, within } from '../shared/async.ts'
import { McpctlError } from '../shared/errors.ts'
import { type Env, entryFile } from '../shared/paths.ts'
import { proxyEnv } from './proxy-env.ts'
import { isFromProxy } from './proxy-message.ts'

export interface SurveyOptions extends Omit<Extract<ToProxy, { type: 'survey' }>, 'type'> {
  readonly env: Env
  /** Ends it, with the servers it started, and throws the signal's reason. */
  readonly signal: AbortSignal
}

/** How long it may take to end the servers it started, once it is told to. */
const LEAVE_MS = 6_000

/**
 * Asks servers themselves what they say, in a process that does what a proxy does to get there and then ends: whether
 * a supervisor runs makes no difference, and what it remembers may be older. Throws McpctlError `unexpected` when that
 * process fails.
 */
export async function survey({ env, signal, ...question }: SurveyOptions): Promise<readonly Surveyed[]> {
  const child = spawn(process.execPath, [entryFile('proxy')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    env: proxyEnv(env, question.owner),
  })
  const leave = () => void (child.connected && child.disconnect())
  signal.addEventListener('abort', leave, { once: true })
  try {
    const answer = answerOf(child)
    child.send({ type: 'survey', ...question } satisfies ToProxy, () => {})
    const servers = await answer
    signal.throwIfAborted()
    if (servers) return servers
    throw new McpctlError('unexpected', 'the process that asks the servers ended without an answer')
  } finally {
    signal.removeEventListener('abort', leave)
    await ended(child)
  }
}

/** Undefined when it ended, or could not be started. */
function answerOf(child: ChildProcess): Promise<readonly Surveyed[] | undefined> {
  const answer = defer<readonly Surveyed[] | undefined>()
  child.on('message', (message: unknown) => {
    if (!isFromProxy(message)) return
    if (message.type === 'surveyed') answer.resolve(message.servers)
    if (message.type === 'fatal') answer.reject(failed(message))
  })
  child.once('exit', () => answer.resolve(undefined))
  child.once('error', (error) => answer.reject(failed(error)))
  return answer.promise
}

function failed({ message }: Extract<FromProxy, { type: 'fatal' }> | Error): McpctlError {
  return new McpctlError('unexpected', `the servers could not be asked: ${message}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise<boolean>((resolve) => child.once('exit', () => resolve(true)))
  if (child.connected) child.disconnect()
  if (!(await within(LEAVE_MS, exit, false))) child.kill('SIGKILL')
}
