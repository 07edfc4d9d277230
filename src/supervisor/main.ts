import { asError } from '../shared/errors.ts'
import { startSupervisor } from './start.ts'

/**
 * The detached supervisor: `node supervisor.js FOLDER`. What to run comes over the control socket; when it cannot have
 * that, it says why on stderr and exits with the code of the error.
 */
async function main(): Promise<void> {
  const [folder] = process.argv.slice(2)
  const running = await startSupervisor({ folder: folder ?? process.cwd(), env: process.env })
  process.on('SIGTERM', () => running.stop())
  process.on('SIGINT', () => running.stop())
  process.on('SIGHUP', () => running.reload())
  await running.ended
}

main().then(
  () => process.exit(0),
  (thrown) => {
    const error = asError(thrown)
    process.stderr.write(`${JSON.stringify({ error })}\n`, () => process.exit(error.exit))
  },
)
