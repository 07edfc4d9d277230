import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Group } from '../config/profile.ts'
import { McpctlError } from '../shared/errors.ts'
import type { Sockets } from './sockets.ts'

const FIRST = 7611
/** Above are the ports that the kernel hands out to clients. */
const LAST = 32_767

/** Chooses ports for `port: auto` and remembers them per group, so that clients find a group where it was. */
export class Ports {
  readonly #file: string
  readonly #sockets: Sockets
  #remembered: ReadonlyMap<string, number>

  constructor(file: string, sockets: Sockets) {
    this.#file = file
    this.#sockets = sockets
    this.#remembered = read(file)
  }

  /** The port of every group. Those that were chosen are bound by now: nobody else can take them in between. */
  choose(groups: readonly Group[]): ReadonlyMap<string, number> {
    const chosen = new Map<string, number>()
    for (const { name, port } of groups) if (port !== 'auto') chosen.set(name, port)
    for (const group of groups)
      if (group.port === 'auto') chosen.set(group.name, this.#remember(group.name, this.#pick(group, chosen)))
    return chosen
  }

  #remember(name: string, port: number): number {
    if (this.#remembered.get(name) === port) return port
    this.#remembered = new Map([...this.#remembered, [name, port]])
    this.#store()
    return port
  }

  /** Whole or not at all: a rename is what a crash cannot cut in two. */
  #store(): void {
    const fresh = `${this.#file}.new`
    try {
      writeFileSync(fresh, JSON.stringify(Object.fromEntries(this.#remembered)), { mode: 0o600 })
      renameSync(fresh, this.#file)
    } catch {
      // A disk that is full, a folder that is gone: the next supervisor may choose anew, this one knows its ports.
    }
  }

  #pick({ name, host }: Group, chosen: ReadonlyMap<string, number>): number {
    const taken = new Set(chosen.values())
    const isFree = (port: number) => !taken.has(port) && 'fd' in this.#sockets.hold({ host, port })
    const before = this.#remembered.get(name)
    if (before !== undefined && isFree(before)) return before
    const others = new Set([...this.#remembered].filter(([other]) => other !== name).map(([, port]) => port))
    for (let port = FIRST; port <= LAST; port++) if (!others.has(port) && isFree(port)) return port
    throw new McpctlError('conflict', `no port is free on ${host} between ${FIRST} and ${LAST} for group "${name}"`)
  }
}

function read(file: string): ReadonlyMap<string, number> {
  try {
    const pairs = Object.entries(JSON.parse(readFileSync(file, 'utf8')))
    return new Map(pairs.filter((pair): pair is [string, number] => Number.isInteger(pair[1])))
  } catch {
    // Not there yet, or not ours any more: ports are chosen as if for the first time.
    return new Map()
  }
}
