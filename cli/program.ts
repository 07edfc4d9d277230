import { asError } from '../src/shared/errors.ts'
import type { Context, Surroundings } from './context.ts'
import { reportFailure } from './failure.ts'
import { type Flags, mergeFlags } from './flags.ts'
import { readPlainly } from './typed.ts'

/** Runs what was typed and resolves with the exit code; failures are already reported on stderr. Never rejects. */
export async function runProgram(argv: readonly string[], around: Surroundings): Promise<number> {
  // Until the flags are read, a failure is reported in the form they ask for as far as one can tell.
  let context: Context = { ...around, flags: earlyFlags(argv) }
  try {
    const typed = readPlainly(argv) ?? (await import('./grammar.ts')).read(argv, around)
    if (!typed) return 0
    context = { ...around, flags: typed.flags }
    return await typed.spec.run(context, typed.invocation)
  } catch (thrown) {
    const error = asError(thrown)
    reportFailure(context, error)
    return error.exit
  }
}

function earlyFlags(argv: readonly string[]): Flags {
  const end = argv.indexOf('--')
  const typed = end < 0 ? argv : argv.slice(0, end)
  const json = typed.some(
    (arg, i) =>
      arg === '--json' ||
      /^(-o=?|--output=)json$/.test(arg) ||
      (arg === 'json' && /^(-o|--output)$/.test(typed[i - 1] ?? '')),
  )
  return mergeFlags({ json, color: !typed.includes('--no-color') }, {})
}
