import { type Context, isCi } from '../context.ts'
import type { ProgressMode } from '../flags.ts'
import { painter } from '../paint.ts'
import { eventLines } from './event-lines.ts'
import type { Renderer } from './renderer.ts'
import { startTrack } from './track.ts'
import { treeRenderer } from './tree.ts'

/** The renderer that `--progress` names, or the one that suits the terminal. */
export function createRenderer(context: Context): Renderer {
  const mode = modeOf(context)
  return renderers[mode](context)
}

const renderers = {
  tty: treeRenderer,
  plain: plainRenderer,
  json: jsonRenderer,
  quiet: () => ({ show: () => {}, say: () => {}, [Symbol.dispose]: () => {} }),
} as const satisfies Record<Exclude<ProgressMode, 'auto'>, (context: Context) => Renderer>

function modeOf({ flags, env, stderr }: Context): Exclude<ProgressMode, 'auto'> {
  if (flags.progress !== 'auto') return flags.progress
  if (flags.quiet || flags.output !== 'human') return 'quiet'
  const isTerminal = stderr.isTTY === true && env.TERM !== 'dumb' && !env.NO_COLOR && !isCi(env)
  return isTerminal ? 'tty' : 'plain'
}

/** One line per change with the time since the start, for logs and pipes. */
function plainRenderer(context: Context): Renderer {
  const paint = painter(context, context.stderr)
  let track = startTrack(performance.now())
  let isFirst = true
  return {
    show(event) {
      const now = performance.now()
      const seconds = ((now - track.startedAt) / 1000).toFixed(2).padStart(6)
      const { lines, next } = eventLines(event, { track, now, paint })
      track = next
      // How things were before is no progress, and the plan is in the command's own answer.
      if (!isFirst && event.type === 'status')
        for (const line of lines) context.stderr.write(`${paint('dim', `${seconds}s`)}  ${line}\n`)
      isFirst = false
    },
    say: (line) => context.stderr.write(`${line}\n`),
    [Symbol.dispose]() {},
  }
}

/** The event stream itself, one document per line. */
function jsonRenderer({ stderr }: Context): Renderer {
  return { show: (event) => stderr.write(`${JSON.stringify(event)}\n`), say: () => {}, [Symbol.dispose]: () => {} }
}
