/** The runs as a table, and below it what each lacks. */
export function formatReport({ runs, stale }) {
  const rows = runs.map(({ cell, suite, via, passed, failed, warned, lacking, excused }) => [
    cell,
    suite,
    via,
    `${passed}/${passed + failed}`,
    [warned && `${warned} warned`, excused.length && `${excused.length} excused`].filter(Boolean).join(', '),
    lacking.length === 0 ? 'ok' : `lacks ${lacking.reduce((sum, one) => sum + one.lacking, 0)}`,
  ])
  return [
    ...align([['cell', 'suite', 'via', 'passed', '', ''], ...rows]),
    ...runs.flatMap(formatLacking),
    ...stale.map(formatStale),
  ].join('\n')
}

function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
}

function formatLacking({ cell, suite, via, lacking }) {
  if (lacking.length === 0) return []
  const lines = lacking.map(({ scenario, check, message }) => `  ${scenario}  ${check}\n    ${message}`)
  return ['', `${cell}, ${suite}, via ${via} lacks:`, ...lines]
}

const formatStale = (entry) => `\nnot needed any more in exceptions.mjs: ${entry}`
