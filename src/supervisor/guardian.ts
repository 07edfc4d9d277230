import { type ChildProcess, spawn } from 'node:child_process'
import { pause } from '../shared/async.ts'
import { MARKER } from '../shared/marker.ts'
import type { Env } from '../shared/paths.ts'

/**
 * Waits for the end of its stdin, which is the end of its supervisor, and gives everybody a
 * moment to leave by themselves: nobody is to be there after two seconds, however busy the machine.
 * Who is left is ended: with /proc by the marker, which no stranger under a used-up pid carries, else by the process
 * groups that were named last. `grep` and `tr` run without the marker, so as not to be taken for one of them.
 */
const SCRIPT = `
owner="${MARKER}=$${MARKER}"
unset ${MARKER}
while read -r line; do groups=$line; done
sleep 0.7 2>/dev/null || sleep 1
if [ -r /proc/self/environ ]; then
  for round in 1 2 3; do
    for file in $(grep -lsF "$owner" /proc/[0-9]*/environ); do
      pid=\${file#/proc/}
      pid=\${pid%/environ}
      [ "$pid" = "$$" ] && continue
      tr '\\0' '\\n' <"$file" 2>/dev/null | grep -qxF "$owner" && kill -KILL "$pid"
    done
  done
else
  for group in $groups; do kill -KILL "-$group"; done
fi
`
/** It loads nothing, but a start has more urgent things to do. */
const SOON_MS = 250
/** Between two lives, so that one that cannot live does not keep us busy. */
const AGAIN_MS = 2_000

export interface GuardianOptions {
  readonly env: Env
  /** The absolute state folder. */
  readonly owner: string
}

/**
 * Who ends what a killed supervisor leaves behind, also a proxy that is too busy to notice: one shell of 2 MB, from the
 * first proxy on until the supervisor ends.
 */
export class Guardian implements Disposable {
  readonly #options: GuardianOptions
  readonly #groups = new Set<number>()
  readonly #over = new AbortController()
  #living: Promise<void> | undefined
  #process: ChildProcess | undefined

  constructor(options: GuardianOptions) {
    this.#options = options
  }

  /** Looks after the process group until `ended`. */
  guard(group: number, ended: Promise<void>): void {
    if (group === 0) return
    this.#groups.add(group)
    this.#tell()
    void ended.then(() => {
      this.#groups.delete(group)
      this.#tell()
    })
    this.#living ??= this.#live()
  }

  /** Ends it, before those it looks after are swept: it must not outlive its purpose. */
  [Symbol.dispose](): void {
    this.#over.abort()
    this.#process?.kill('SIGKILL')
  }

  async #live(): Promise<void> {
    const { signal } = this.#over
    if (process.platform === 'win32') return
    for (let ms = SOON_MS; !signal.aborted; ms = AGAIN_MS) {
      await pause(ms, signal)
      if (!signal.aborted) await this.#once()
    }
  }

  /** Resolves when it has ended, or could not be started. */
  #once(): Promise<void> {
    const { env, owner } = this.#options
    return new Promise((resolve) => {
      const child = spawn('/bin/sh', ['-c', SCRIPT, 'mcpctl-guardian'], {
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { PATH: env.PATH ?? '/usr/bin:/bin', [MARKER]: owner },
        cwd: '/',
        // A session of its own: neither Ctrl-C nor the end of a terminal is its business.
        detached: true,
      })
      child.once('error', () => resolve())
      child.once('exit', () => resolve())
      // Its end of the pipe breaks when it is killed; the next one is told anew.
      child.stdin?.on('error', () => {})
      this.#process = child
      this.#tell()
    })
  }

  #tell(): void {
    this.#process?.stdin?.write(`${[...this.#groups].join(' ')}\n`)
  }
}
