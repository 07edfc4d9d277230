import { dirname, join, resolve } from 'node:path'
import dotenv from 'dotenv'
import type { Diagnostic } from '../shared/diagnostic.ts'
import type { Env } from '../shared/paths.ts'
import { interpolate } from './interpolate.ts'
import { readSource, type Sources } from './read.ts'
import { diagnose, type Place, unframed, wholeFile } from './source.ts'
import { child, itemsOf, type Node, textOf } from './tree.ts'
import { Trust } from './trust.ts'

export interface Environment {
  /** Process environment over `--env-file` over the profile's `envFile` over `.env` beside the base file. */
  variable(name: string): string | undefined
  readonly diagnostics: readonly Diagnostic[]
  /** Every env file, also those that may be missing. */
  readonly sources: Sources
}

export interface EnvironmentOptions {
  readonly env: Env
  /** `--env-file`, absolute; a later one wins. */
  readonly envFiles: readonly string[]
  /** `envFile:` of the profile; a later one wins. */
  readonly envFile: Node | undefined
  readonly folder: string
  readonly cwd: string
}

/** Reads all env files. They hold plain values: nothing in them is expanded. */
export async function readEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const { env, envFiles, folder, cwd } = options
  const trust = new Trust(env, folder)
  const read = (file: WantedFile) => readEnvFile(file, trust)
  const flags = await Promise.all(envFiles.map((path) => read({ paths: [path], required: true, at: undefined, cwd })))
  const early = layers([env, ...flags.map(({ values }) => values).reverse()])
  const { wanted, diagnostics } = wantedFiles(options, early)
  const own = await Promise.all(wanted.map(read))
  const beside = await read({ paths: [join(folder, '.env')], required: false, at: undefined, cwd })
  const all = [...flags, ...own, beside]
  return {
    variable: layers([
      env,
      ...flags.map(({ values }) => values).reverse(),
      ...own.map(({ values }) => values).reverse(),
      beside.values,
    ]),
    diagnostics: [...diagnostics, ...all.flatMap((file) => file.diagnostics)],
    sources: new Map(all.flatMap(({ sources }) => [...sources])),
  }
}

/** The first of the layers that has a name decides. */
function layers(all: readonly Env[]): (name: string) => string | undefined {
  return (name) => all.find((layer) => Object.hasOwn(layer, name) && layer[name] !== undefined)?.[name]
}

interface WantedFile {
  /** The first that exists is read. */
  readonly paths: readonly string[]
  readonly required: boolean
  /** Where it is named; undefined for flags and the `.env` nobody has to name. */
  readonly at: Place | undefined
  readonly cwd: string
}

/**
 * The names of env files may hold variables, of the environment and the flags. They are relative to the project folder;
 * what is not there may be beside the file that names it.
 */
function wantedFiles({ envFile, folder, cwd }: EnvironmentOptions, variable: (name: string) => string | undefined) {
  const diagnostics: Diagnostic[] = []
  const wanted = itemsOf(envFile).flatMap((item): WantedFile[] => {
    const named = item.kind === 'map' ? child(item, 'path') : item
    const text = textOf(named)
    if (named === undefined || text === undefined) return []
    const { value, problems } = interpolate(text, { variable, secret: () => undefined })
    diagnostics.push(...problems.map((problem) => diagnose(named.at, problem)))
    const isOptional = child(item, 'required')
    const required = !(isOptional?.kind === 'scalar' && isOptional.value === false)
    if (problems.length > 0) return []
    const folders = new Set([folder, dirname(named.at.source.path)])
    return [{ paths: [...folders].map((one) => resolve(one, value)), required, at: named.at, cwd }]
  })
  return { wanted, diagnostics }
}

interface EnvFile {
  readonly sources: Sources
  readonly values: Env
  readonly diagnostics: readonly Diagnostic[]
}

async function readEnvFile({ paths, required, at, cwd }: WantedFile, trust: Trust): Promise<EnvFile> {
  const read = await Promise.all(paths.map((path) => readSource(path, cwd)))
  const sources = new Map(read.map(({ source, fingerprint }) => [source.path, fingerprint]))
  const found = read.find((one) => one.problem?.code !== 'file_missing') ?? read[0]
  if (found === undefined) return { sources, values: {}, diagnostics: [] }
  const { source, rights, problem } = found
  if (problem === undefined) {
    const distrust = await trust.problemOf({ path: source.path, shown: source.shown, rights })
    const diagnostics = distrust ? [unframed(source, distrust)] : []
    return { sources, values: dotenv.parse(source.text), diagnostics }
  }
  const isMissing = problem.code === 'file_missing'
  if (isMissing && !required) return { sources, values: {}, diagnostics: [] }
  const hint = isMissing && at !== undefined ? 'write { path: …, required: false } if it may be missing' : ''
  const message = `the env file ${source.shown} ${problem.message}`
  return { sources, values: {}, diagnostics: [diagnose(at ?? wholeFile(source), { code: 'env_file', message, hint })] }
}
