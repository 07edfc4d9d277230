/** What of a supervisor takes its time, in milliseconds: a record, so that minutes can pass quickly in a test. */
export interface Timing {
  /** Between two questions whether a proxy is alive, and the longest wait for an answer. Three misses end it. */
  readonly pulse: number
  readonly memory: {
    /** Between two looks at the memory of a proxy. */
    readonly every: number
    /** How long it has to be above its limit until another proxy takes its place. */
    readonly tooLong: number
  }
  /** Between two looks whether a program that cannot work has been replaced. */
  readonly repair: number
  /** Between two reminders that what is on disk is not in force. */
  readonly reminder: number
  /** Before a lost proxy is started again, all with jitter. */
  readonly restart: {
    /** After the first loss, at most. */
    readonly first: number
    /** After the second; from then on it doubles. */
    readonly step: number
    readonly longest: number
    /** Between two starts of a group in quarantine. */
    readonly probe: number
  }
}

export const usualTiming: Timing = {
  pulse: 2_500,
  memory: { every: 5_000, tooLong: 30_000 },
  repair: 5_000,
  reminder: 600_000,
  restart: { first: 100, step: 250, longest: 30_000, probe: 60_000 },
}
