import type { Pin, Pinned, Pins } from './profile.ts'

/** In the project folder. */
export const LOCK_FILE = 'mcpctl.lock'

/** What `mcpctl.lock` holds: what the servers of a project were found to say of themselves. */
export interface Lock {
  readonly servers: Readonly<Record<string, LockedServer>>
}

export interface LockedServer extends Pins {
  /** For people: nothing is compared with it. */
  readonly serverInfo: { readonly name: string; readonly version: string }
}

/** What is wrong with the data of a lock, and where: names of keys from the root. */
export class Misfit extends Error {
  override readonly name = 'Misfit'
  readonly path: readonly string[]

  constructor(path: readonly string[], message: string) {
    super(message)
    this.path = path
  }
}

/** Nothing is locked: everything is new. */
export const noPins: Pins = { instructions: null, tools: {}, prompts: {}, templates: {} }

export function pinNamed(pinned: Pinned, name: string): Pin | undefined {
  return Object.hasOwn(pinned, name) ? pinned[name] : undefined
}

const VERSION = 1
const DIGEST = /^sha256:[\da-f]{64}$/
const PART = /^[\da-f]{8}$/

/** The lock that parsed data is. Throws Misfit. */
export function lockIn(data: unknown): Lock {
  const root = record(data, [], ['version', 'servers'])
  if (root['version'] !== VERSION)
    throw new Misfit(
      ['version'],
      `the version of the lock is ${JSON.stringify(root['version']) ?? 'missing'}, not ${VERSION}`,
    )
  return { servers: mapped(root['servers'], ['servers'], serverIn) }
}

function serverIn(data: unknown, path: Path): LockedServer {
  const server = record(data, path, ['serverInfo', 'instructions', 'tools', 'prompts', 'templates'])
  const info = record(server['serverInfo'], [...path, 'serverInfo'], ['name', 'version'])
  const pinned = (kind: string): Pinned => mapped(server[kind], [...path, kind], pinIn)
  const { instructions } = server
  return {
    serverInfo: {
      name: text(info['name'], [...path, 'serverInfo', 'name']),
      version: text(info['version'], [...path, 'serverInfo', 'version']),
    },
    instructions: instructions === null ? null : text(instructions, [...path, 'instructions'], DIGEST),
    tools: pinned('tools'),
    prompts: pinned('prompts'),
    templates: pinned('templates'),
  }
}

function pinIn(data: unknown, path: Path): Pin {
  const pin = record(data, path, ['digest', 'parts', 'inputs'])
  const { inputs = [] } = pin
  if (!Array.isArray(inputs) || !inputs.every((input) => typeof input === 'string'))
    throw new Misfit([...path, 'inputs'], 'the inputs of a tool must be a list of names')
  return {
    digest: text(pin['digest'], [...path, 'digest'], DIGEST),
    parts: mapped(pin['parts'], [...path, 'parts'], (part, at) => text(part, at, PART)),
    inputs,
  }
}

type Path = readonly string[]

function mapped<T>(data: unknown, path: Path, make: (value: unknown, path: Path) => T): Readonly<Record<string, T>> {
  const entries = Object.entries(record(data, path))
  return Object.fromEntries(entries.map(([name, value]) => [name, make(value, [...path, name])]))
}

function record(data: unknown, path: Path, keys?: readonly string[]): Record<string, unknown> {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new Misfit(path, `${path.at(-1) ?? 'the lock'} must be a map`)
  const unknown = keys && Object.keys(data).find((key) => !keys.includes(key))
  if (unknown !== undefined) throw new Misfit([...path, unknown], `unknown key ${JSON.stringify(unknown)} in the lock`)
  return data as Record<string, unknown>
}

function text(data: unknown, path: Path, form?: RegExp): string {
  if (typeof data === 'string' && (form?.test(data) ?? true)) return data
  const what =
    form === undefined ? 'a text' : form === DIGEST ? 'a digest (sha256: and 64 digits in hex)' : '8 digits in hex'
  throw new Misfit(path, `${path.at(-1)} must be ${what}`)
}

/** As it is written: JSON in a fixed order, one line for each item, nothing in it but printable ASCII. */
export function lockText({ servers }: Lock): string {
  const lines = sorted(servers).map(([name, server]) => `    ${ascii(name)}: {\n${serverLines(server)}\n    }`)
  return `{\n  "version": ${VERSION},\n  "servers": ${block(lines, '  ')}\n}\n`
}

function serverLines({ serverInfo, instructions, ...pins }: LockedServer): string {
  const { name, version } = serverInfo
  const kinds = (['tools', 'prompts', 'templates'] as const).map((kind) => {
    const items = sorted(pins[kind]).map(([item, pin]) => `        ${ascii(item)}: ${pinText(pin)}`)
    return `      "${kind}": ${block(items, '      ')}`
  })
  const info = `      "serverInfo": { "name": ${ascii(name)}, "version": ${ascii(version)} }`
  return [info, `      "instructions": ${ascii(instructions)}`, ...kinds].join(',\n')
}

function pinText({ digest, parts, inputs }: Pin): string {
  const fields = sorted(parts).map(([field, part]) => `${ascii(field)}: "${part}"`)
  const named = inputs.length === 0 ? '' : `, "inputs": [${inputs.map(ascii).join(', ')}]`
  return `{ "digest": "${digest}", "parts": { ${fields.join(', ')} }${named} }`.replace('{  }', '{}')
}

function block(lines: readonly string[], indent: string): string {
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`
}

/** By code unit: the same on every machine. */
function sorted<T>(values: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1))
}

/** JSON in which nothing hides: a name may have invisible characters, and a lock is read by people. */
function ascii(value: string | null): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escaped)
}
