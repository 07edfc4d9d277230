import { parseArgs } from 'node:util'

export const usage = `Usage: npm run bench -- [options]

  --quick          a smoke run of under a minute: every measure, figures of little worth
  --only NAME,…    these measures alone
  --peers          also what is installed of other proxies
  --rounds N       how often each figure is taken (default 5, 1 with --quick)
  --json PATH      write the report as JSON (- is stdout, instead of the table)
  --charts         write table and charts into docs/performance.md
  --gate           only compare with the bare JSON proxy; fails when far behind it
  --help
`

/** What was asked for on the command line, or an `error` to show with the usage. */
export function parseOptions(argv) {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        quick: { type: 'boolean', default: false },
        peers: { type: 'boolean', default: false },
        charts: { type: 'boolean', default: false },
        gate: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        only: { type: 'string' },
        rounds: { type: 'string' },
        json: { type: 'string' },
      },
    })
    return { ...values, only: values.only?.split(','), rounds: roundsOf(values) }
  } catch (error) {
    return { error: error.message }
  }
}

function roundsOf({ rounds, quick }) {
  if (rounds === undefined) return quick ? 1 : 5
  const number = Number(rounds)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--rounds ${rounds} is not a number of rounds`)
  return number
}
