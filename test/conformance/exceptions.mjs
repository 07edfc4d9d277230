// The checks that cannot pass through the proxy, each with the sentence of the specification that makes it so. An entry
// that nothing needs fails the run, as a check does that no entry excuses.

/** `{ cells, scenario, check, because, specification }` */
const exceptions = []

export const isExcused = (cell, { scenario, check }) => exceptions.some((entry) => covers(entry, cell, scenario, check))

const covers = (entry, cell, scenario, check) =>
  entry.cells.includes(cell) && entry.scenario === scenario && entry.check === check

/** The entries no run of the measured cells needed, as text. */
export function staleExceptions(cells, runs) {
  return exceptions.flatMap(({ cells: own, scenario, check }) =>
    own
      .filter((cell) => cells.includes(cell) && !isNeeded(runs, cell, scenario, check))
      .map((cell) => `${cell}: ${scenario} ${check}`),
  )
}

const isNeeded = (runs, cell, scenario, check) =>
  runs.some((run) => run.cell === cell && run.excused.some((one) => one.scenario === scenario && one.check === check))
