/** Servers that are away and tried again at once, by all proxies together and by one. */
const ALL = 16
const ONE = 4

/** How many of them are the part of each proxy. With more than 16 proxies they may be more together. */
export function retriesAtOnce(proxies: number): number {
  return Math.min(ONE, Math.max(1, Math.floor(ALL / proxies)))
}
