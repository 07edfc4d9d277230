import { authOf } from './auth.ts'
import type { Group, Limits, Server } from './profile.ts'
import type { SelectedGroup } from './select.ts'
import { diagnose, quote } from './source.ts'
import { itemsOf } from './tree.ts'
import {
  type Field,
  field,
  type Reading,
  readDuration,
  readNumber,
  readPort,
  readSize,
  readText,
  readTexts,
} from './values.ts'

/** What a group is without a word about it. */
const GROUP_DEFAULTS = {
  host: '127.0.0.1',
  port: 'auto',
  limits: {
    maxBody: 4 * 1024 * 1024,
    maxSessions: 10_000,
    maxStreams: 4,
    maxInFlight: 256,
    maxRate: 100,
    memory: 1024 * 1024 * 1024,
  },
  listWait: 5000,
} as const

export interface GroupPlace {
  /** JSON pointer of the group in the profile. */
  readonly pointer: string
  readonly servers: readonly Server[]
  /** Added to a fixed port. */
  readonly portOffset: number
}

/** A selected group as resolved. */
export function toGroup(
  reading: Reading,
  selected: SelectedGroup,
  { pointer, servers, portOffset }: GroupPlace,
): Group {
  const at: Field = { node: selected.node, pointer }
  if (itemsOf(field(at, 'servers').node).length === 0) {
    const message = `group ${quote(selected.name)} has no servers`
    const hint = 'list some under servers:, or delete the group with null'
    reading.diagnostics.push(diagnose(selected.at, { code: 'no_servers', message, hint }))
  }
  return {
    name: selected.name,
    host: hostOf(reading, field(at, 'host')),
    port: portOf(reading, field(at, 'port'), portOffset),
    servers,
    auth: authOf(reading, field(at, 'auth'), selected.name),
    allowedHosts: readTexts(reading, field(at, 'allowedHosts')).map((host) => host.toLowerCase()),
    allowedOrigins: readTexts(reading, field(at, 'allowedOrigins')),
    limits: limitsOf(reading, field(at, 'limits')),
    listWait:
      readDuration(reading, { ...field(field(at, 'cache'), 'listWait'), pointer: `${pointer}/listWait` }) ??
      GROUP_DEFAULTS.listWait,
  }
}

/** Brackets of an IPv6 address belong to URLs, the last dot of a name to its resolver. */
function hostOf(reading: Reading, at: Field): string {
  const host = readText(reading, at)
  if (host === undefined || host === '') return GROUP_DEFAULTS.host
  const bare = host.replace(/^\[(.*)\]$/, '$1').replace(/^localhost\.?$/i, 'localhost')
  if (at.node === undefined || /^[A-Za-z0-9.:_%-]+$/.test(bare)) return bare
  reading.diagnostics.push(diagnose(at.node.at, { code: 'bad_host', message: `${quote(host)} is not a host` }))
  return GROUP_DEFAULTS.host
}

function portOf(reading: Reading, at: Field, offset: number): number | 'auto' {
  const port = readPort(reading, at) ?? GROUP_DEFAULTS.port
  if (port === 'auto' || at.node === undefined) return port
  const moved = port + offset
  if (moved > 65_535) {
    reading.diagnostics.push(
      diagnose(at.node.at, { code: 'bad_value', message: `port ${port} with offset ${offset} is above 65535` }),
    )
  }
  if (moved >= 32_768 && moved <= 60_999) {
    const message = `port ${moved} is in the range the system hands out to clients (32768-60999)`
    const hint = 'take one below 32768, or it may be taken when you need it'
    reading.diagnostics.push(diagnose(at.node.at, { severity: 'warning', code: 'ephemeral_port', message, hint }))
  }
  return moved
}

function limitsOf(reading: Reading, at: Field): Limits {
  const { limits } = GROUP_DEFAULTS
  const whole = { title: 'whole number', max: 1_000_000, example: '500' }
  return {
    maxBody: readSize(reading, field(at, 'maxBody')) ?? limits.maxBody,
    maxSessions: readNumber(reading, field(at, 'maxSessions'), whole) ?? limits.maxSessions,
    maxStreams: readNumber(reading, field(at, 'maxStreams'), whole) ?? limits.maxStreams,
    maxInFlight: readNumber(reading, field(at, 'maxInFlight'), whole) ?? limits.maxInFlight,
    maxRate: readNumber(reading, field(at, 'maxRate'), whole) ?? limits.maxRate,
    memory: readSize(reading, field(at, 'memory')) ?? limits.memory,
  }
}
