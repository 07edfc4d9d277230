import { asError } from '../shared/errors.ts'
import { startSupervisor } from './start.ts'

/** Of sysexits: an internal error. */
const BUG = 70

/**
 * The detached supervisor: `node supervisor.js FOLDER`. What to run comes over the control socket; when it cannot have
 * that, it says why on stderr and exits with the code of the error.
 */
async function main(): Promise<number> {
  let exit = 0
  const [folder] = process.argv.slice(2)
  const running = await startSupervisor({ folder: folder ?? process.cwd(), env: process.env })
  process.on('SIGTERM', () => running.stop())
  process.on('SIGINT', () => running.stop())
  process.on('SIGHUP', () => running.reload())
  // What was thrown where nobody catches leaves nothing to rely on but the way out.
  process.on('uncaughtException', (error) => {
    exit = BUG
    running.fail(error)
  })
  await running.ended
  return exit
}

main().then(
  (exit) => process.exit(exit),
  (thrown) => {
    const error = asError(thrown)
    process.stderr.write(`${JSON.stringify({ error })}\n`, () => process.exit(error.exit))
  },
)
