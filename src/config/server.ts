import { isAbsolute, resolve } from 'node:path'
import { isRecord } from '../shared/record.ts'
import { forwardHeadersOf } from './forward-headers.ts'
import type {
  Cache,
  Filter,
  HttpTransport,
  Pins,
  Restart,
  Retry,
  Server,
  StdioTransport,
  Timeouts,
  Transport,
} from './profile.ts'
import type { SelectedServer } from './select.ts'
import { diagnose, quote } from './source.ts'
import { emptyMap } from './tree.ts'
import { urlOf } from './url.ts'
import {
  type Field,
  field,
  type Reading,
  readBoolean,
  readChoice,
  readData,
  readDuration,
  readDurationOrOff,
  readNumber,
  readText,
  readTextMap,
  readTexts,
} from './values.ts'

const SECOND = 1000

/** What a server is without a word about it. A part nobody says a word about is this very object for all of them. */
export const SERVER_DEFAULTS = {
  enabled: true,
  required: false,
  prefix: '{server}_',
  timeouts: { connect: 30 * SECOND, request: 60 * SECOND, max: 600 * SECOND, idle: 600 * SECOND },
  protocol: 'auto',
  session: 'auto',
  resolve: 'auto',
  restart: { policy: 'always', backoff: 500, maxBackoff: 30 * SECOND },
  retry: { attempts: 3, backoff: 250 },
  cache: { mode: 'swr', persist: true },
  stateful: false,
  exclusive: false,
  integrity: 'warn',
} as const

/** What is shown of a server without a word about it. */
const NO_FILTER: Filter = { allow: 'all', deny: [], rename: {}, override: {} }

export interface ServerPlace {
  /** JSON pointer of the server in the profile. */
  readonly pointer: string
  /** The project folder. */
  readonly folder: string
  /** As read before: it decided whether the rest is asked for. */
  readonly enabled: boolean
  /** What is locked of it. */
  readonly pins: Pins | null
}

/** A selected server as resolved; of a disabled one the texts are as written. */
export function toServer(
  reading: Reading,
  selected: SelectedServer,
  { pointer, folder, enabled, pins }: ServerPlace,
): Server {
  const inner = enabled ? reading : { ...reading, asWritten: true }
  const at: Field = { node: selected.node, pointer }
  const integrity = readChoice(inner, field(at, 'integrity'), ['off', 'warn', 'enforce']) ?? SERVER_DEFAULTS.integrity
  const prefix = readText(inner, field(at, 'prefix')) ?? SERVER_DEFAULTS.prefix
  return {
    name: selected.name,
    transport: transportOf(inner, { at, selected, folder }),
    enabled,
    required: readBoolean(inner, field(at, 'required')) ?? SERVER_DEFAULTS.required,
    prefix: prefix.replaceAll('{server}', selected.name),
    tools: filterOf(inner, field(at, 'tools')),
    resources: filterOf(inner, field(at, 'resources')),
    prompts: filterOf(inner, field(at, 'prompts')),
    timeouts: timeoutsOf(inner, field(at, 'timeouts')),
    protocol: readChoice(inner, field(at, 'protocol'), ['auto', 'legacy', 'modern']) ?? SERVER_DEFAULTS.protocol,
    session: readChoice(inner, field(at, 'session'), ['auto', 'shared', 'per-client']) ?? SERVER_DEFAULTS.session,
    resolve: readChoice(inner, field(at, 'resolve'), ['auto', 'npx']) ?? SERVER_DEFAULTS.resolve,
    restart: restartOf(inner, field(at, 'restart')),
    retry: retryOf(inner, field(at, 'retry')),
    cache: cacheOf(inner, field(at, 'cache')),
    stateful: readBoolean(inner, field(at, 'stateful')) ?? SERVER_DEFAULTS.stateful,
    exclusive: readBoolean(inner, field(at, 'exclusive')) ?? SERVER_DEFAULTS.exclusive,
    integrity,
    onNew: onNewOf(inner, field(at, 'onNew'), integrity),
    pins: integrity === 'off' ? null : pins,
    forwardHeaders: forwardHeadersOf(inner, field(at, 'forwardHeaders')),
  }
}

function onNewOf(reading: Reading, at: Field, integrity: Server['integrity']): Server['onNew'] {
  const written = readChoice(reading, at, ['auto', 'allow', 'warn', 'block']) ?? 'auto'
  if (written !== 'auto') return written
  return integrity === 'enforce' ? 'block' : 'warn'
}

interface TransportPlace {
  readonly at: Field
  readonly selected: SelectedServer
  readonly folder: string
}

function transportOf(reading: Reading, place: TransportPlace): Transport {
  const { at, selected } = place
  const hasCommand = selected.node.entries.has('command')
  const hasUrl = selected.node.entries.has('url')
  if (hasCommand !== hasUrl) return hasUrl ? remote(reading, place) : stdio(reading, place)
  const name = quote(selected.name)
  const message = hasUrl
    ? `server ${name} has both "command" and "url"`
    : `server ${name} has neither "command" nor "url"`
  const hint = hasUrl ? 'delete the inherited one with null' : 'give it one of them'
  const code = hasUrl ? 'two_transports' : 'no_transport'
  reading.diagnostics.push(diagnose((at.node ?? emptyMap(selected.at)).at, { code, message, hint }))
  return stdio(reading, place)
}

/** Pointers are those of the resolved profile, where all of this is under `transport`. */
function under({ at }: TransportPlace, key: string): Field {
  return { node: field(at, key).node, pointer: `${at.pointer}/transport/${key}` }
}

function stdio(reading: Reading, place: TransportPlace): StdioTransport {
  const command = under(place, 'command')
  const text = readText(reading, command)
  if (text === '' && command.node !== undefined && !reading.asWritten) {
    reading.diagnostics.push(diagnose(command.node.at, { code: 'no_transport', message: 'the command is empty' }))
  }
  if (text !== undefined && command.node !== undefined && /\s(?:-|&&|\|)/.test(text)) {
    const hint = 'put the arguments into args: no shell takes them apart'
    const problem = {
      severity: 'warning',
      code: 'command_line',
      message: `${quote(text)} is taken as one program`,
      hint,
    } as const
    reading.diagnostics.push(diagnose(command.node.at, problem))
  }
  return {
    kind: 'stdio',
    command: text ?? '',
    args: readTexts(reading, under(place, 'args')),
    env: readTextMap(reading, under(place, 'env')),
    cwd: absolute(place.folder, readText(reading, under(place, 'cwd')) ?? '.'),
  }
}

function absolute(folder: string, path: string): string {
  return isAbsolute(path) ? path : resolve(folder, path)
}

function remote(reading: Reading, place: TransportPlace): HttpTransport {
  const transport = { node: field(place.at, 'transport').node, pointer: `${place.at.pointer}/transport/kind` }
  return {
    kind: readChoice(reading, transport, ['http', 'sse']) ?? 'auto',
    url: urlOf(reading, under(place, 'url')),
    headers: readTextMap(reading, under(place, 'headers')),
  }
}

function filterOf(reading: Reading, at: Field): Filter {
  if (at.node === undefined) return NO_FILTER
  const allow = field(at, 'allow')
  const override = field(at, 'override')
  return {
    allow: allow.node === undefined ? 'all' : readTexts(reading, allow),
    deny: readTexts(reading, field(at, 'deny')),
    rename: readTextMap(reading, field(at, 'rename')),
    override: overrideOf(readData(reading, override)),
  }
}

function overrideOf(data: unknown): Filter['override'] {
  if (!isRecord(data)) return {}
  return Object.fromEntries(Object.entries(data).flatMap(([key, value]) => (isRecord(value) ? [[key, value]] : [])))
}

function timeoutsOf(reading: Reading, at: Field): Timeouts {
  if (at.node === undefined) return SERVER_DEFAULTS.timeouts
  const { connect, request, max, idle } = SERVER_DEFAULTS.timeouts
  return {
    connect: readDuration(reading, field(at, 'connect')) ?? connect,
    request: readDurationOrOff(reading, field(at, 'request')) ?? request,
    max: readDurationOrOff(reading, field(at, 'max')) ?? max,
    idle: readDuration(reading, field(at, 'idle')) ?? idle,
  }
}

function restartOf(reading: Reading, at: Field): Restart {
  if (at.node === undefined) return SERVER_DEFAULTS.restart
  const { policy, backoff, maxBackoff } = SERVER_DEFAULTS.restart
  return {
    policy: readChoice(reading, field(at, 'policy'), ['always', 'never']) ?? policy,
    backoff: readDuration(reading, field(at, 'backoff')) ?? backoff,
    maxBackoff: readDuration(reading, field(at, 'maxBackoff')) ?? maxBackoff,
  }
}

function retryOf(reading: Reading, at: Field): Retry {
  if (at.node === undefined) return SERVER_DEFAULTS.retry
  const { attempts, backoff } = SERVER_DEFAULTS.retry
  const limits = { title: 'whole number', max: 1_000_000, example: '3' }
  return {
    attempts: readNumber(reading, field(at, 'attempts'), limits) ?? attempts,
    backoff: readDuration(reading, field(at, 'backoff')) ?? backoff,
  }
}

function cacheOf(reading: Reading, at: Field): Cache {
  if (at.node === undefined) return SERVER_DEFAULTS.cache
  const { mode, persist } = SERVER_DEFAULTS.cache
  return {
    mode: readChoice(reading, field(at, 'mode'), ['swr', 'strict', 'notify']) ?? mode,
    persist: readBoolean(reading, field(at, 'persist')) ?? persist,
  }
}
