import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { packageFolder } from '../../src/shared/paths.ts'

// The benchmark is plain JavaScript; what tests use of it has its shape here.

interface Bar {
  readonly op: '<=' | '>='
  readonly value: number
}

export interface Row {
  readonly id: string
  readonly what: string
  readonly value: number | null
  readonly unit: string
  readonly foreign?: number
  readonly must?: Bar
  readonly aim?: Bar
}

export interface Report {
  readonly version: number
  readonly quick: boolean
  readonly measures: readonly {
    readonly name: string
    readonly title: string
    readonly rows: readonly Row[]
    readonly error?: string
  }[]
}

interface Load {
  run(
    options: { url: string; connections: number; calls: number } & Record<string, unknown>,
  ): Promise<{ calls: number }>
  stop(): Promise<void>
}

const folder = join(packageFolder(), 'bench')
const file = (name: string) => pathToFileURL(join(folder, name)).href

export const { formatTable, verdictOf }: { formatTable(report: Report): string; verdictOf(row: Row): string } =
  await import(file('table.mjs'))
export const { isFarBehind }: { isFarBehind(rows: readonly Row[]): boolean } = await import(file('gate.mjs'))
export const { drawCharts }: { drawCharts(report: Report): readonly { readonly svg: string }[] } = await import(
  file('charts.mjs')
)
const { startLoad }: { startLoad(): Promise<Load> } = await import(file('load.mjs'))

/** The load generator, gone with its scope. */
export async function load(): Promise<Load & AsyncDisposable> {
  const started = await startLoad()
  return { ...started, [Symbol.asyncDispose]: () => started.stop() }
}

/** Runs the benchmark with its temporary files in `temp`. */
export function bench(args: readonly string[], temp: string) {
  return execa(process.execPath, [join(folder, 'main.mjs'), ...args], { reject: false, env: { TMPDIR: temp } })
}
