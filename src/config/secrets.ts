import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import type { Diagnostic } from '../shared/diagnostic.ts'
import type { Env } from '../shared/paths.ts'
import { interpolate } from './interpolate.ts'
import { fingerprintOf, readBytes, type Sources } from './read.ts'
import { diagnose, type Problem } from './source.ts'
import { child, type Entry, type MapNode, type Node, textOf } from './tree.ts'
import type { Trust } from './trust.ts'

const MAX_BYTES = 64 * 1024
const COMMAND_TIMEOUT = 10_000
const SOURCES = ['env', 'file', 'command'] as const
type Kind = (typeof SOURCES)[number]

export interface SecretOptions {
  /** `secrets:` of the profile. */
  readonly secrets: MapNode
  /** Only these are read. */
  readonly used: ReadonlySet<string>
  /** Of the environment and the env files. */
  readonly variable: (name: string) => string | undefined
  /** For commands. */
  readonly env: Env
  readonly folder: string
  readonly trust: Trust
}

export interface Secrets {
  readonly values: ReadonlyMap<string, string>
  readonly diagnostics: readonly Diagnostic[]
  /** Secret files. */
  readonly sources: Sources
}

/** Reads the secrets that are used, all at the same time. */
export async function readSecrets(options: SecretOptions): Promise<Secrets> {
  const entries = [...options.secrets.entries].filter(([name]) => options.used.has(name))
  const read = await Promise.all(
    entries.map(async ([name, entry]) => ({ name, ...(await readSecret(options, name, entry)) })),
  )
  return {
    values: new Map(read.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
    diagnostics: read.flatMap(({ diagnostics }) => diagnostics),
    sources: new Map(read.flatMap(({ source }) => (source === undefined ? [] : [source]))),
  }
}

interface ReadSecret {
  readonly value: string | undefined
  readonly diagnostics: readonly Diagnostic[]
  readonly source?: FileRead
}

/** Its path and the fingerprint of what was in it. */
type FileRead = readonly [path: string, fingerprint: string]

async function readSecret(options: SecretOptions, name: string, { key, value }: Entry): Promise<ReadSecret> {
  const kinds = SOURCES.filter((kind) => child(value, kind) !== undefined)
  const [kind] = kinds
  const fail = (at: Node | undefined, problem: Problem): ReadSecret => {
    const message = `secret "${name}": ${problem.message}`
    return { value: undefined, diagnostics: [diagnose(at?.at ?? key, { ...problem, message })] }
  }
  if (kind === undefined || kinds.length > 1) {
    const message = kinds.length > 1 ? `has ${kinds.join(' and ')}` : 'has no source'
    return fail(undefined, { code: 'bad_secret', message, hint: 'give it exactly one of env, file, command' })
  }
  const node = child(value, kind)
  const words = wordsOf(options, kind, node)
  if (!Array.isArray(words)) return fail(node, words)
  const result = await readers[kind](options, words)
  if (typeof result.value !== 'string') return { ...fail(node, result.value), ...sourceOf(result) }
  const warnings =
    result.warning === undefined || node === undefined
      ? []
      : [diagnose(node.at, { ...result.warning, severity: 'warning' })]
  return { value: result.value, diagnostics: warnings, ...sourceOf(result) }
}

interface Result {
  readonly value: string | Problem
  readonly warning?: Problem
  readonly source?: FileRead
}

function sourceOf({ source }: Result) {
  return source === undefined ? {} : { source }
}

/** The text or texts of a source with variables filled in; a secret cannot ask for another. */
function wordsOf({ variable }: SecretOptions, kind: Kind, node: Node | undefined): string[] | Problem {
  const words: string[] = []
  for (const item of node?.kind === 'list' ? node.items : [node]) {
    const { value, problems } = interpolate(textOf(item) ?? '', { variable, secret: () => undefined })
    if (problems[0] !== undefined) return problems[0]
    words.push(value)
  }
  // A single text is split at blanks, without quoting: a list says what it means.
  return node?.kind === 'scalar' && kind === 'command'
    ? (words[0] ?? '').split(/\s+/).filter((word) => word !== '')
    : words
}

type Read = (options: SecretOptions, words: readonly string[]) => Promise<Result>

const readers = { env: fromVariable, file: fromFile, command: fromCommand } as const satisfies Record<Kind, Read>

async function fromVariable({ variable }: SecretOptions, [name = '']: readonly string[]): Promise<Result> {
  const value = variable(name)
  if (value) return { value }
  const state = value === '' ? 'is empty' : 'is not set'
  return {
    value: {
      code: 'unset_secret',
      message: `the variable ${name} ${state}`,
      hint: `set ${name} in the environment or an env file`,
    },
  }
}

async function fromFile({ folder, trust }: SecretOptions, [name = '']: readonly string[]): Promise<Result> {
  const path = resolve(folder, name)
  const read = await readBytes(path, MAX_BYTES)
  const source = [path, await fingerprintOf(path, read)] as const
  if (!('bytes' in read)) return { value: { code: 'secret_file', message: `${name} ${read.message}` }, source }
  const distrust = await trust.problemOf({ path, shown: name, rights: read.rights })
  if (distrust?.severity === 'error') return { value: distrust, source }
  const value = strip(Buffer.from(read.bytes).toString('utf8'))
  if (value === '') return { value: { code: 'secret_file', message: `${name} is empty` }, source }
  if (distrust) return { value, source, warning: distrust }
  const { mode } = { mode: 0, ...read.rights }
  if ((mode & 0o077) === 0) return { value, source }
  const message = `${name} can be read by others (mode ${mode.toString(8)})`
  return { value, source, warning: { code: 'secret_file_mode', message, hint: `chmod 600 ${name}` } }
}

async function fromCommand({ folder, env }: SecretOptions, words: readonly string[]): Promise<Result> {
  const [file = '', ...args] = words
  const options = {
    cwd: folder,
    env: { ...env },
    timeout: COMMAND_TIMEOUT,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_BYTES,
  } as const
  if (file === '') return { value: { code: 'secret_command', message: 'the command is empty' } }
  return new Promise((done) => {
    const child = execFile(file, args, options, (error, stdout) => {
      const value = strip(stdout)
      if (error === null && value !== '') return done({ value })
      done({
        value: { code: 'secret_command', message: error === null ? `${file} printed nothing` : failure(file, error) },
      })
    })
    child.stdin?.end()
  })
}

/** Never what it printed: that may be the secret. */
function failure(file: string, error: Error & { code?: unknown; killed?: boolean }): string {
  if (error.code === 'ENOENT') return `the program ${file} does not exist`
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `${file} printed more than 64 KiB`
  if (error.killed) return `${file} took longer than ${COMMAND_TIMEOUT / 1000} s`
  return `${file} failed with exit code ${error.code}`
}

function strip(text: string): string {
  return text.replace(/\r?\n$/, '')
}
