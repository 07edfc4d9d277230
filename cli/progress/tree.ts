import { clip } from '../columns.ts'
import type { Context } from '../context.ts'
import { type Paint, painter } from '../paint.ts'
import type { Renderer } from './renderer.ts'
import { stepLine } from './step-line.ts'
import { observe, startTrack, type Track } from './track.ts'

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const
const FRAME_MS = 80

/** A tree of groups and servers that redraws itself in place until it is disposed. */
export function treeRenderer(context: Context): Renderer {
  const { stderr } = context
  const paint = painter(context, stderr)
  let track = startTrack(performance.now())
  let frame = 0
  let drawn = 0
  const erase = () => (drawn > 0 ? `\u001b[${drawn}A\u001b[J` : '')
  const draw = () => {
    const lines = treeLines(track, { paint, busy: spinner[frame % spinner.length] ?? '' })
    // What does not fit on the screen cannot be drawn over: the last lines are the ones still moving. A terminal that
    // does not know its size says 0.
    const visible = lines.slice(-((stderr.rows || 24) - 1)).map((line) => clip(line, (stderr.columns || 80) - 1))
    stderr.write(erase() + visible.map((line) => `${line}\n`).join(''))
    drawn = visible.length
    frame++
  }
  const timer = setInterval(draw, FRAME_MS)
  return {
    show(event) {
      if (event.type !== 'status') return
      track = observe(track, event.status, performance.now())
    },
    say(line) {
      stderr.write(`${erase()}${line}\n`)
      drawn = 0
      draw()
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      draw()
    },
  }
}

/** Each group with its servers indented below it. */
export function treeLines(track: Track, style: { paint: Paint; busy: string }): string[] {
  return track.steps.map((step) => {
    const indent = step.server === undefined ? '' : '  '
    return `${indent}${stepLine(step, step.server ?? style.paint('bold', step.group), style)}`
  })
}
