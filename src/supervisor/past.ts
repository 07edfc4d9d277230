import type { Wish } from '../control/protocol.ts'
import { up } from '../plan/wishes.ts'
import type { Diagnostic } from '../shared/diagnostic.ts'
import { McpctlError } from '../shared/errors.ts'
import type { History, Remembered } from './history.ts'
import type { ChosenWish, Draft } from './prepare.ts'
import type { Proposal } from './proposals.ts'
import type { InForce } from './proxies.ts'

export interface PastOptions {
  readonly history: History
  readonly restore: (set: Remembered['set'], wish: ChosenWish) => Promise<Draft>
}

/** The ways back to what was in force before: asked for, or because the files of today are broken. */
export class Past {
  readonly #options: PastOptions

  constructor(options: PastOptions) {
    this.#options = options
  }

  /** Remembers what is in force from now on. */
  keep({ generation, wish, resolution }: InForce): void {
    const { cwd, files, envFiles, groups, portOffset, watch } = wish
    void this.#options.history.keep(generation, {
      at: new Date().toISOString(),
      profile: resolution.profile.name,
      wish: { cwd, files, envFiles, groups, portOffset, watch },
      set: resolution.written,
    })
  }

  /** What was in force at a generation, or at the one before, in today's environment. Throws McpctlError `usage`. */
  async rollback(generation: number | undefined, { generation: now, wish, resolution }: InForce): Promise<Proposal> {
    const number = generation ?? this.#before(now)
    const remembered = await this.#options.history.read(number)
    const isSameProfile = remembered.profile === resolution.profile.name
    const back = await this.#proposal(remembered, wish)
    const problems = isOnDisk(back.resolution)
      ? []
      : [this.#notice(back.resolution, `rolled back to generation ${number}`)]
    return { ...back, problems, wishes: isSameProfile ? (wishes) => wishes : back.wishes }
  }

  /** The last good configuration in place of files that are `broken`. Throws what is wrong with them if there is none. */
  async resume(wish: Wish, broken: McpctlError): Promise<Proposal> {
    const found = broken.code === 'config_invalid' ? await this.#lastGood(wish) : undefined
    if (!found) throw broken
    const { number, remembered } = found
    if (!wish.resume) throw withHint(broken, `mcpctl up --resume runs the last good one, of ${remembered.at}`)
    const back = await this.#proposal(remembered, wish)
    const notice = this.#notice(back.resolution, `${broken.message}; running generation ${number}, of ${remembered.at}`)
    const warnings = [...back.resolution.warnings, notice]
    return { ...back, resolution: { ...back.resolution, warnings }, problems: [...broken.diagnostics, notice] }
  }

  /** The newest, of the wished profile if one is named. */
  async #lastGood({ profile }: Wish): Promise<{ number: number; remembered: Remembered } | undefined> {
    const { history } = this.#options
    for (const number of history.numbers.toReversed()) {
      // One that cannot be read is none; there may be an older one.
      const remembered = await history.read(number).catch(() => undefined)
      if (remembered && (profile === undefined || remembered.profile === profile)) return { number, remembered }
    }
    return undefined
  }

  #before(now: number): number {
    const number = this.#options.history.numbers.findLast((one) => one < now)
    if (number !== undefined) return number
    throw new McpctlError('usage', 'there is no generation before this one to go back to')
  }

  async #proposal({ wish, profile, set }: Remembered, { env }: Wish): Promise<Omit<Proposal, 'problems'>> {
    const wished = { ...wish, profile, env, allowEmpty: true }
    const resolution = await this.#options.restore(set, wished)
    return { wish: wished, resolution, wishes: (now) => up(now, wish.groups), isStrict: true }
  }

  #notice({ written }: Draft, what: string): Diagnostic {
    const message = `${what}; the files on disk differ`
    const hint = 'save them as they are to be, or apply them with `mcpctl reload`'
    const file = written.files[0]?.path ?? written.folder
    return { severity: 'warning', code: 'not_from_disk', message, file, line: 1, column: 1, hint, frame: '' }
  }
}

/** Whether the files of today are the ones it was made from. */
function isOnDisk({ written, sources }: Draft): boolean {
  return written.files.every(({ path, text }) => sources.get(path) === `=${Buffer.from(text).toString('latin1')}`)
}

function withHint({ code, message, diagnostics, cause }: McpctlError, hint: string): McpctlError {
  return new McpctlError(code, message, { diagnostics, cause, hint })
}
