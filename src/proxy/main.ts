import type { Socket } from 'node:net'
import manifest from '../../package.json' with { type: 'json' }
import { messageOf } from '../shared/errors.ts'
import { createLog } from '../shared/log.ts'
import { EXIT, type FromProxy, type ToProxy } from './protocol.ts'
import { isTemporary, ProxyProcess } from './proxy-process.ts'
import { boundYoung } from './young.ts'

/** The entry of a proxy process: whatever it needs of the process it is in goes through here. */

interface Sending {
  /** A connection that goes with the message: Node's own handle. */
  readonly handle?: object
  readonly sent?: () => void
}

function send(message: FromProxy, { handle, sent = () => {} }: Sending = {}): void {
  // A channel that breaks in this very moment is followed by `disconnect`, which says all there is to say. The types
  // know servers and sockets only, but Node carries its own bare TCP handles too.
  if (process.connected) process.send?.(message, handle as Socket | undefined, {}, sent)
  else sent()
}

let proxy: ProxyProcess | undefined
process.on('message', (message: ToProxy, handle: unknown) => {
  if (message.type === 'start') proxy ??= start(message)
  else if (message.type === 'survey')
    surveying ??= survey(message)
      .catch(fatal)
      .finally(() => process.exit(0))
  else void proxy?.receive(message, handle).catch(fatal)
})

function start(message: Extract<ToProxy, { type: 'start' }>): ProxyProcess {
  if (message.version !== manifest.version) leave(EXIT.hopeless, skew(message.version))
  const started = new ProxyProcess({
    start: message,
    version: manifest.version,
    env: process.env,
    send: (said, handle) => send(said, handle && { handle }),
    exit: (code) => process.exit(code),
    makeLog: (secrets) =>
      createLog({
        level: message.logLevel,
        fields: { group: message.group.name },
        write: (line) => void process.stdout.write(line),
        secrets,
      }),
  })
  void started.listen().catch(fatal)
  boundYoung()
  return started
}

function skew(supervisor: string): string {
  return `is version ${manifest.version} and its supervisor ${supervisor}: \`mcpctl down\` and \`up\` run the new one`
}

let surveying: Promise<void> | undefined
const over = new AbortController()

/** Loaded when it is asked for: what serves has no use for it. */
async function survey({ servers, locked, texts, owner }: Extract<ToProxy, { type: 'survey' }>): Promise<void> {
  const [{ survey }, { surveyed }] = await Promise.all([import('./survey.ts'), import('./surveyed.ts')])
  const answers = await survey(servers, { version: manifest.version, owner, env: process.env, signal: over.signal })
  await new Promise<void>((resolve) =>
    send({ type: 'surveyed', servers: surveyed(answers, { locked, texts }) }, { sent: resolve }),
  )
}

function fatal(error: unknown): never {
  return leave(isTemporary(error) ? EXIT.temporary : EXIT.bug, messageOf(error))
}

function leave(code: number, message: string): never {
  send({ type: 'fatal', message })
  return process.exit(code)
}

/** What was thrown where nobody catches leaves nothing to rely on. It is written down; whoever comes next is sound. */
process.on('uncaughtException', (error) => {
  if (proxy) proxy.crashed(error)
  else process.stderr.write(`${messageOf(error)}\n`)
  leave(EXIT.bug, `crashed: ${messageOf(error)}`)
})

const HASTE = 2000

// Ctrl-C in a terminal reaches the whole process group; it is the supervisor's to act on it.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => void (proxy?.drain(HASTE).catch(fatal) ?? process.exit(0)))
// The supervisor is gone: nobody would ever stop what this process started.
process.on('disconnect', () => {
  over.abort()
  if (!surveying) void (proxy?.stop().catch(fatal) ?? process.exit(0))
})
// Its end of the pipe went away with it, and there is nobody to tell.
process.stdout.on('error', () => {})
