import type { ControlEvent } from '../../src/control/protocol.ts'

/** Shows events on stderr as they come; disposed when the command's work is done, which leaves the last picture. */
export interface Renderer extends Disposable {
  show(event: ControlEvent): void
  /** A line for people between the others. */
  say(line: string): void
}
