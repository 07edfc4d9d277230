/** The severities of `logging/setLevel`, the least severe first (RFC 5424). */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const
export type Level = (typeof levels)[number]

export function isLevel(value: unknown): value is Level {
  return levels.some((level) => level === value)
}

/** Whether a message of `level` passes for who asked for `least`; a level nobody knows passes. */
export function isAtLeast(level: unknown, least: Level): boolean {
  return !isLevel(level) || levels.indexOf(level) >= levels.indexOf(least)
}

/** The level that satisfies everybody; undefined when nobody asked. */
export function mostVerbose(wanted: Iterable<Level | undefined>): Level | undefined {
  const indexes = [...wanted].flatMap((level) => (level === undefined ? [] : [levels.indexOf(level)]))
  return indexes.length === 0 ? undefined : levels[Math.min(...indexes)]
}
