import { isDeepStrictEqual } from 'node:util'
import { type Diagnostic, place } from '../shared/diagnostic.ts'
import { asError, type McpctlError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

export interface ProblemsOptions {
  readonly log: Log
  /** Between two reminders that the files are still not in force, in milliseconds. */
  readonly remindMs: number
  readonly rejected: (problems: readonly Diagnostic[]) => void
}

/** What is wrong with the files on disk, while something else is in force. */
export class Problems implements Disposable {
  readonly #options: ProblemsOptions
  #found: readonly Diagnostic[] = []
  #reminder: NodeJS.Timeout | undefined

  constructor(options: ProblemsOptions) {
    this.#options = options
  }

  get found(): readonly Diagnostic[] {
    return this.#found
  }

  /** Something else is in force now: this is all there is to be said. */
  reset(found: readonly Diagnostic[]): void {
    this.#keep(found)
  }

  /** What runs goes on as it is; `file` stands for what has no place of its own. Said once, however often it is read. */
  reject(thrown: unknown, file: string): void {
    const error = asError(thrown)
    const found = error.diagnostics.length > 0 ? error.diagnostics : [problemOf(error, file)]
    if (isDeepStrictEqual(found, this.#found)) return
    this.#keep(found)
    this.#options.log.error('configuration rejected', { error: error.message, problems: found.map(place) })
    this.#options.rejected(found)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#reminder)
  }

  /** Nobody may have seen the one line of the log: as long as the files are broken there is another now and then. */
  #keep(found: readonly Diagnostic[]): void {
    this.#found = found
    clearInterval(this.#reminder)
    const errors = found.filter(({ severity }) => severity === 'error')
    if (errors.length === 0) return
    const problems = errors.map((problem) => `${place(problem)} ${problem.message}`)
    const remind = () => this.#options.log.warn('configuration still rejected', { problems })
    this.#reminder = setInterval(remind, this.#options.remindMs)
  }
}

function problemOf({ code, message, hint }: McpctlError, file: string): Diagnostic {
  return { severity: 'error', code, message, file, line: 1, column: 1, hint, frame: '' }
}
