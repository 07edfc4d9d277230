import { styleText } from 'node:util'
import { type Context, isCi, type Stream } from './context.ts'

export type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

/** Colours for one stream: none under CI, NO_COLOR, `--no-color`, a dumb terminal or a pipe. */
export function painter(context: Context, stream: Stream): Paint {
  return hasColour(context, stream) ? colour : plain
}

function hasColour({ env, flags }: Context, stream: Stream): boolean {
  return stream.isTTY === true && flags.color && !env.NO_COLOR && !isCi(env) && env.TERM !== 'dumb'
}

const plain: Paint = (_style, text) => text

// The decision is made above, so that it does not depend on whichever stream styleText would look at.
const colour: Paint = (style, text) => styleText(style, text, { validateStream: false })
